#!/bin/bash
# Makes the repositories of tests/unit/git_test.c in FOLDER, for tests/lib/git_server.js: good ones, and
# hostile ones that git itself would not make, from raw objects.
#
#   git_repos.sh FOLDER
#
# Also a key and a certificate for localhost, key.pem and cert.pem, and the commits of good.git.
set -euo pipefail
cd "$1"

export HOME=$PWD GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@example.org GIT_COMMITTER_NAME=n
export GIT_COMMITTER_EMAIL=e@example.org GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_AUTHOR_DATE=$GIT_COMMITTER_DATE GIT_ALLOW_PROTOCOL=file

repo() { # NAME: a bare one; its objects and refs are made with plumbing
	unset GIT_DIR
	git init -q --bare -b main "$1.git"
	export GIT_DIR=$PWD/$1.git
}
blob() { # TEXT
	printf '%s' "$1" | git hash-object -w --stdin
}
tree() { # "MODE ID NAME" …
	local line
	for line; do
		read -r mode id name <<<"$line"
		case $mode in
			040000) type=tree ;;
			160000) type=commit ;;
			*) type=blob ;;
		esac
		printf '%s %s %s\t%s\0' "$mode" "$type" "$id" "$name"
	done | git mktree -z --missing
}
# A tree whose entries git mktree would sort or refuse.
raw_tree() { # "MODE ID NAME" …
	local line
	for line; do
		read -r mode id name <<<"$line"
		printf '%s %b\0' "$mode" "$name"
		printf '%b' "$(sed 's/../\\x&/g' <<<"$id")"
	done | git hash-object -t tree -w --stdin --literally
}
commit() { # TREE BRANCH [PARENT]
	local id
	id=$(git commit-tree -m "$2" "$1" ${3:+-p "$3"})
	git update-ref "refs/heads/$2" "$id"
	echo "$id"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem 2>/dev/null

# ---- good ----

repo leaf
leaf=$(commit "$(tree "100644 $(blob 'leaf') leaf.txt")" main)

repo inner
modules=$(blob $'[submodule "x"]\n\tpath = below/leaf\n\turl = ../leaf.git\n')
inner=$(commit "$(tree "100644 $modules .gitmodules" "100644 $(blob 'inner') inner.txt" \
	"040000 $(tree "160000 $leaf leaf") below")" main)

repo good
script=$(blob $'#!/bin/sh\n')
first=$(commit "$(tree "100644 $(blob 'one') file.txt")" main)
attributes=$(blob $'* ident eol=crlf filter=evil export-subst\nsecret export-ignore\n')
modules=$(blob $'; a comment\n[include]\n\tpath = /etc/passwd\n[submodule "inner"]\n\tpath = "sub/inner" # quoted\n\turl = ./../inner.git\n\tupdate = !touch /tmp/prebuildd-git-was-run\n')
clean=$(commit "$(tree "100644 $attributes .gitattributes" "100644 $modules .gitmodules" \
	"100644 $(blob $'two $Id$\n') file.txt" \
	"120000 $(blob 'folder/run.sh') link" "100644 $(blob 'kept') secret" \
	"040000 $(tree "100755 $script run.sh" "120000 $(blob '../file.txt') up") folder" \
	"040000 $(tree "160000 $inner inner") sub")" main "$first")
git update-ref refs/heads/feature/one "$first"
git tag -a -m tagged v1 "$first"
git update-ref refs/heads/both "$first"
git update-ref refs/tags/both "$clean"
git update-ref refs/tags/blob "$script"
echo "$first $clean" >commits

# ---- links and names ----

repo hostile
x=$(blob x)
commit "$(tree "120000 $(blob '/etc/passwd') link")" link-absolute >/dev/null
commit "$(tree "120000 $(blob '../outside') link")" link-out >/dev/null
commit "$(tree "040000 $(tree "120000 $(blob '../../outside') link") a")" link-out-deep >/dev/null
commit "$(raw_tree "120000 $(blob 'b') a" "40000 $(tree "100644 $x f") a")" link-then-folder >/dev/null
commit "$(raw_tree "100644 $x a" "100644 $x a")" twice >/dev/null
commit "$(raw_tree "100644 $x ..")" dotdot >/dev/null
commit "$(raw_tree "40000 $(tree "100644 $x f") ..")" dotdot-folder >/dev/null
commit "$(raw_tree "40000 $(raw_tree "100644 $x config") .git")" dotgit >/dev/null
commit "$(raw_tree "40000 $(raw_tree "100644 $x config") .GIT")" dotgit-upper >/dev/null
commit "$(raw_tree "100644 $x a/b")" slash >/dev/null
commit "$(raw_tree "100644 $x /etc/evil")" absolute >/dev/null
commit "$(raw_tree '100644 '"$x"' a\001b')" control >/dev/null
commit "$(raw_tree '100644 '"$x"' a\\\\b')" backslash >/dev/null

# ---- submodules ----

submodule() { # REF URL
	local modules
	modules=$(blob "$(printf '[submodule "s"]\n\tpath = s\n\turl = %s\n' "$2")"$'\n')
	commit "$(tree "100644 $modules .gitmodules" "160000 $leaf s")" "$1" >/dev/null
}
submodule file "file://$PWD/leaf.git"
submodule path "$PWD/leaf.git"
submodule option '--upload-pack=touch /tmp/prebuildd-git-was-run'
submodule ssh 'git@example.org:leaf.git'
submodule ext 'ext::sh -c touch% /tmp/prebuildd-git-was-run'
submodule password 'https://user:secret@example.org/leaf.git'
submodule above '../../../../../leaf.git'
submodule loopback 'http://localhost:1/leaf.git'
submodule missing '../absent.git'
commit "$(tree "160000 $leaf s")" unnamed >/dev/null
commit "$(tree "100644 $(blob '[submodule "s') .gitmodules" "160000 $leaf s")" cut >/dev/null
modules=$(blob $'[submodule "s"]\n\tpath = s\n\turl = ../leaf.git\n')
commit "$(tree "100644 $modules .gitmodules" \
	"160000 0123456789012345678901234567890123456789 s")" lost >/dev/null

# Each has the one before as its submodule.
below=$leaf from=leaf
for i in 1 2 3 4 5 6; do
	repo "deep$i"
	modules=$(blob "$(printf '[submodule "s"]\n\tpath = s\n\turl = ../%s.git\n' "$from")"$'\n')
	below=$(commit "$(tree "100644 $modules .gitmodules" "160000 $below s")" main)
	from=deep$i
done

# ---- size ----

repo large
zeros=$(head -c 8000000 /dev/zero | git hash-object -w --stdin)
commit "$(tree "100644 $zeros zeros")" zeros >/dev/null
commit "$(tree "100644 $zeros a" "100644 $zeros b" "100644 $zeros c")" shared >/dev/null
noise=$(head -c 300000 /dev/urandom | git hash-object -w --stdin)
commit "$(tree "100644 $noise noise")" noise >/dev/null
# Each level names the one below ten times: 100000 files of three objects' size.
x=$(blob x)
bomb=$(tree "100644 $x f")
for _ in 1 2 3 4 5; do
	bomb=$(tree "040000 $bomb 0" "040000 $bomb 1" "040000 $bomb 2" "040000 $bomb 3" \
		"040000 $bomb 4" "040000 $bomb 5" "040000 $bomb 6" "040000 $bomb 7" \
		"040000 $bomb 8" "040000 $bomb 9")
done
commit "$bomb" bomb >/dev/null
nested=$(tree "100644 $x f")
for _ in $(seq 30); do
	nested=$(tree "040000 $nested n")
done
commit "$nested" nested >/dev/null

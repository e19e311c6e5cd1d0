#include "builder/audit/pe_check.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "builder/base/mem.h"

#define SUBSYSTEM_GUI     2
#define SUBSYSTEM_CONSOLE 3
#define PAGE              0x1000u

/* DLLs that every Windows from the floor on has, desktop and server. Without their suffix, each between
 * two blanks. */
static const char system_dlls[] =
	" "
	"advapi32 authz avrt bcrypt bcryptprimitives cabinet cfgmgr32 comctl32 "
	"comdlg32 crypt32 cryptbase credui d2d1 d3d11 dbghelp dhcpcsvc dnsapi dwmapi "
	"dwrite dxgi fwpuclnt gdi32 gdiplus hid imm32 iphlpapi kernel32 kernelbase "
	"mpr msimg32 msvcrt mswsock ncrypt netapi32 normaliz ntdll ole32 oleacc "
	"oleaut32 opengl32 pdh powrprof propsys psapi rpcrt4 rstrtmgr secur32 "
	"sensapi setupapi shcore shell32 shlwapi sspicli synchronization ucrtbase "
	"urlmon user32 userenv uxtheme version wevtapi winhttp wininet winmm "
	"winscard winspool winusb wintrust wlanapi wldap32 ws2_32 wsock32 wtsapi32 "
	"xmllite ";

/* Runtimes that come with an installer of their own, often but not always there. */
static const char *const redistributable[] = {"vcruntime140", "msvcp140", "concrt140", "vcomp140"};

enum origin { ORIGIN_SYSTEM, ORIGIN_REDISTRIBUTABLE, ORIGIN_OTHER };

static enum origin
origin_of(const char *dll)
{
	const char *dot = strrchr(dll, '.');
	size_t len = dot != NULL ? (size_t)(dot - dll) : strlen(dll);
	char word[24] = " ";

	/* Sets of functions of Windows itself; which DLL has them differs. */
	if (strncasecmp(dll, "api-ms-win-", 11) == 0 || strncasecmp(dll, "ext-ms-", 7) == 0)
		return ORIGIN_SYSTEM;
	if (len > 0 && len + 3 <= sizeof word) {
		for (size_t i = 0; i < len; i++)
			word[1 + i] = (char)tolower((unsigned char)dll[i]);
		word[1 + len] = ' ';
		if (strchr(word + 1, ' ') == word + 1 + len && strstr(system_dlls, word) != NULL)
			return ORIGIN_SYSTEM;
	}
	/* "VCRUNTIME140_1.dll" is one more part of the same. */
	for (size_t i = 0; i < ARRAY_SIZE(redistributable); i++)
		if (strncasecmp(dll, redistributable[i], strlen(redistributable[i])) == 0)
			return ORIGIN_REDISTRIBUTABLE;
	return ORIGIN_OTHER;
}

const struct target *
pe_target(const struct pe *pe)
{
	for (size_t i = 0; i < target_count(); i++)
		if (target_at(i)->pe_machine == pe->machine && pe->machine != 0)
			return target_at(i);
	return NULL;
}

static const char *
type_text(const struct pe *pe)
{
	if ((pe->characteristics & PE_FILE_DLL) == 0)
		return "a program";
	if (pe->has_clr)
		return "a DLL of managed code (.NET)";
	if (pe->subsystem != SUBSYSTEM_GUI && pe->subsystem != SUBSYSTEM_CONSOLE)
		return "a DLL that is not for programs (a driver?)";
	return NULL;
}

/* Rules format, machine and class: false if what the others would say makes no sense. */
static bool
check_identity(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	bool wide = c->target->pe_machine != PE_MACHINE_I386;
	const char *type = type_text(pe);
	struct finding *f;

	if (pe->machine != c->target->pe_machine) {
		f = report_add(c->report, RULE_MACHINE, SEVERITY_ERROR);
		report_say(&f->expected, "a PE file for %s", c->target->triple);
		report_say(&f->found, "%s", c->report->format.text);
		report_say(&f->evidence, "Machine is 0x%x, %s has 0x%x", pe->machine,
			   c->target->triple, c->target->pe_machine);
		return false;
	}
	if (pe->wide != wide) {
		f = report_add(c->report, RULE_CLASS, SEVERITY_ERROR);
		report_say(&f->expected, "%s", wide ? "PE32+ (64-bit)" : "PE32 (32-bit)");
		report_say(&f->found, "%s", pe->wide ? "PE32+ (64-bit)" : "PE32 (32-bit)");
		return false;
	}
	if (type != NULL) {
		f = report_add(c->report, RULE_FORMAT, SEVERITY_ERROR);
		report_say(&f->expected, "a DLL");
		report_say(&f->found, "%s", type);
		report_say(&f->evidence, "Characteristics 0x%x, Subsystem %u", pe->characteristics,
			   pe->subsystem);
	}
	return type == NULL;
}

static void
check_needed(const struct pe_check *c)
{
	struct name_list foreign = {0}, installed = {0};
	struct finding *f;

	for (size_t i = 0; i < c->pe->dll_count; i++) {
		const char *name = c->pe->dlls[i].name;
		enum origin origin = origin_of(name);

		if (origin == ORIGIN_SYSTEM || pe_is_node(name))
			continue;
		name_list_add(origin == ORIGIN_OTHER ? &foreign : &installed, "%s", name);
	}
	if (foreign.count > 0) {
		f = report_add(c->report, RULE_NEEDED, SEVERITY_ERROR);
		report_say(&f->expected, "DLLs of Windows only");
		report_say(&f->found, "%zu other DLLs", foreign.count);
		report_say(&f->evidence, "%s", foreign.text);
	}
	if (installed.count > 0) {
		f = report_add(c->report, RULE_NEEDED, SEVERITY_WARNING);
		report_say(&f->expected, "DLLs of Windows only (a static C++ runtime)");
		report_say(&f->found, "needs the Visual C++ runtime to be installed");
		report_say(&f->evidence, "%s", installed.text);
	}
}

static void
check_windows(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	const struct target *t = c->target;
	struct finding *f;

	if (pe->subsystem_major < t->floor_major ||
	    (pe->subsystem_major == t->floor_major && pe->subsystem_minor <= t->floor_minor))
		return;
	f = report_add(c->report, RULE_LIBC_VERSION, SEVERITY_ERROR);
	report_say(&f->expected, "Windows %u.%u or older", t->floor_major, t->floor_minor);
	report_say(&f->found, "asks for Windows %u.%u", pe->subsystem_major, pe->subsystem_minor);
	report_say(&f->evidence, "MajorSubsystemVersion and MinorSubsystemVersion");
}

static void
check_memory(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	struct finding *f;

	for (size_t i = 0; i < pe->section_count; i++) {
		const struct pe_section *s = &pe->sections[i];

		if ((s->flags & PE_SECTION_WRITE) == 0 || (s->flags & PE_SECTION_EXECUTE) == 0)
			continue;
		f = report_add(c->report, RULE_EXECSTACK, SEVERITY_ERROR);
		report_say(&f->expected, "no memory that is writable and executable");
		report_say(&f->found, "a writable and executable section");
		report_say(&f->evidence, "section %s", s->name);
		break;
	}
	if ((pe->dll_characteristics & PE_DLL_NX) == 0) {
		f = report_add(c->report, RULE_EXECSTACK, SEVERITY_WARNING);
		report_say(&f->expected, "NX_COMPAT");
		report_say(&f->found, "no NX_COMPAT: not marked to work with no-execute memory");
		report_say(&f->evidence, "DllCharacteristics 0x%x", pe->dll_characteristics);
	}
	if ((pe->characteristics & PE_FILE_RELOCS_STRIPPED) != 0 || !pe->has_relocs) {
		f = report_add(c->report, RULE_TEXTREL, SEVERITY_ERROR);
		report_say(&f->expected, "base relocations");
		report_say(&f->found, "none: it only loads if its one address is free");
		report_say(&f->evidence, "Characteristics 0x%x", pe->characteristics);
	}
	if ((pe->dll_characteristics & PE_DLL_DYNAMIC_BASE) == 0 ||
	    (pe->wide && (pe->dll_characteristics & PE_DLL_HIGH_ENTROPY) == 0)) {
		f = report_add(c->report, RULE_RELRO, SEVERITY_WARNING);
		report_say(&f->expected, "%s",
			   pe->wide ? "DYNAMIC_BASE and HIGH_ENTROPY_VA" : "DYNAMIC_BASE");
		report_say(&f->found, "its address is easier to guess than it could be");
		report_say(&f->evidence, "DllCharacteristics 0x%x", pe->dll_characteristics);
	}
	if (pe->section_align < PAGE) {
		f = report_add(c->report, RULE_ALIGN, SEVERITY_ERROR);
		report_say(&f->expected, "sections aligned to at least 0x%x", PAGE);
		report_say(&f->found, "0x%x: they share pages, and their protection",
			   (unsigned)pe->section_align);
	}
}

static void
check_traces(const struct pe_check *c)
{
	const struct pe *pe = c->pe;
	struct finding *f;

	/* The name of the file alone says nothing about the machine. */
	if (pe->pdb != NULL && strpbrk(pe->pdb, "/\\") != NULL) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "no path of the machine that built it (/PDBALTPATH)");
		report_say(&f->found, "the path of its debug data");
		report_say(&f->evidence, "%s", pe->pdb);
	}
	if (pe->timestamp != 0 && !pe->reproducible) {
		f = report_add(c->report, RULE_DEBUG_PATH, SEVERITY_WARNING);
		report_say(&f->expected, "no time of the build (/Brepro, --no-insert-timestamp)");
		report_say(&f->found, "a time stamp, with which no two builds are the same");
		report_say(&f->evidence, "TimeDateStamp 0x%x", (unsigned)pe->timestamp);
	}
}

void
pe_check(const struct pe_check *c)
{
	if (!check_identity(c))
		return;
	node_names_check_entry(&c->names, c->abi, c->report);
	node_names_check_napi(&c->names, c->abi, c->report);
	check_needed(c);
	check_windows(c);
	pe_check_symbols(c);
	check_memory(c);
	node_names_check_exports(&c->names, c->report);
	check_traces(c);
}

/*
 * Linked into every addon for Windows: where its Node-API functions come from.
 *
 * An addon names the file node.exe as their origin. The process that loads it may be called anything
 * else (Electron, a renamed node.exe, a packaged application), and would then have node.exe looked
 * for and loaded a second time. So node.exe is a delay import: at the first call the linker's helper
 * asks this hook for the module, and gets the one that is running already. Where Node is a library
 * of a program, that library is meant.
 */
#include <windows.h>

#include <delayimp.h>

static FARPROC WINAPI
answer(unsigned notice, DelayLoadInfo *info)
{
	HMODULE node;

	if (notice != dliNotePreLoadLibrary || lstrcmpiA(info->szDll, "node.exe") != 0)
		return NULL;
	node = GetModuleHandleA("libnode.dll");
	if (node == NULL)
		node = GetModuleHandleA(NULL);
	return (FARPROC)(void *)node;
}

/* The name under which the linker's helper looks for the hook. */
PfnDliHook __pfnDliNotifyHook2 = answer;

/* SPDX-License-Identifier: Apache-2.0 */
/* twinapi.c - the co-file: a library by which programs ask the driver. */
#include <windows.h>
#include <winioctl.h>

#include "twin.h"

__declspec(dllexport) BOOL WINAPI
TwinAdd(LONG a, LONG b, LONG *ret)
{
	struct twin_add add = {a, b};
	DWORD n = 0;
	HANDLE h = CreateFileA("\\\\.\\" TWIN_LINK_NAME, GENERIC_READ | GENERIC_WRITE, 0, NULL,
		OPEN_EXISTING, 0, NULL);
	BOOL done;

	if (h == INVALID_HANDLE_VALUE)
		return FALSE;
	done = DeviceIoControl(h, IOCTL_TWIN_ADD, &add, sizeof(add), ret, sizeof(*ret), &n, NULL);
	CloseHandle(h);
	return done && n == sizeof(*ret);
}

BOOL WINAPI
DllMain(HINSTANCE self, DWORD reason, LPVOID reserved)
{
	(void)self, (void)reason, (void)reserved;
	return TRUE;
}

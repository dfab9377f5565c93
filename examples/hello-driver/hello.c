/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - a small WDM driver: one device, whose read gives a greeting. Something real to sign. */
#include <wdm.h>

#define HELLO_DEVICE L"\\Device\\KdsignHello"
#define HELLO_LINK L"\\DosDevices\\KdsignHello"

static const char greeting[] = "hello, kernel\r\n";

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS
complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI
hello_open_close(PDEVICE_OBJECT device, PIRP irp)
{
	UNREFERENCED_PARAMETER(device);
	return complete(irp, STATUS_SUCCESS, 0);
}

/* From the file offset on, as much of the greeting as fits; then the end of the file. */
static NTSTATUS NTAPI
hello_read(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION io = IoGetCurrentIrpStackLocation(irp);
	LONGLONG at = io->Parameters.Read.ByteOffset.QuadPart;
	ULONG room = io->Parameters.Read.Length;
	ULONG left;

	UNREFERENCED_PARAMETER(device);
	if (at < 0 || at >= (LONGLONG)(sizeof(greeting) - 1))
		return complete(irp, STATUS_END_OF_FILE, 0);
	left = (ULONG)(sizeof(greeting) - 1 - (ULONG)at);
	if (room > left)
		room = left;
	if (room > 0) /* a buffered device: the system buffer holds Read.Length bytes */
		RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, greeting + (ULONG)at, room);
	return complete(irp, STATUS_SUCCESS, room);
}

static void NTAPI
hello_unload(PDRIVER_OBJECT driver)
{
	UNICODE_STRING link;

	RtlInitUnicodeString(&link, HELLO_LINK);
	IoDeleteSymbolicLink(&link);
	IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNICODE_STRING name, link;
	PDEVICE_OBJECT device;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(registry_path);
	RtlInitUnicodeString(&name, HELLO_DEVICE);
	RtlInitUnicodeString(&link, HELLO_LINK);
	status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
		FALSE, &device);
	if (!NT_SUCCESS(status))
		return status;
	status = IoCreateSymbolicLink(&link, &name);
	if (!NT_SUCCESS(status)) {
		IoDeleteDevice(device);
		return status;
	}
	driver->MajorFunction[IRP_MJ_CREATE] = hello_open_close;
	driver->MajorFunction[IRP_MJ_CLOSE] = hello_open_close;
	driver->MajorFunction[IRP_MJ_READ] = hello_read;
	driver->DriverUnload = hello_unload;
	device->Flags |= DO_BUFFERED_IO;
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}

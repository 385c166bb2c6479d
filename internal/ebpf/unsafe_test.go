package ebpf

import "unsafe"

// ptr returns the address of a buffer.
func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }

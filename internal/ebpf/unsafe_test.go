package ebpf

import "unsafe"

// ptr is where a buffer begins.
func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(&b[0]) }

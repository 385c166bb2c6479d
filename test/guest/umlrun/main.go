// Command umlrun starts User-Mode Linux on processors whose extended state is too large for it.
// It makes ptrace(2) with PTRACE_GETREGSET or PTRACE_SETREGSET fail with EIO, as on old
// processors, so that the guest's kernel falls back to FXSAVE.
//
//	umlrun linux.uml mem=512M ...
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: umlrun PROGRAM [ARGUMENT ...]")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "umlrun: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string) error {
	program, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the filter applies to this thread, across execve
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	code := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&code)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return unix.Exec(program, args, os.Environ())
}

// Offsets in struct seccomp_data: the system call's number, and the low half of its first
// argument.
const (
	offNumber = 0
	offFirst  = 16
)

// filter permits everything except the two ptrace requests.
var filter = []unix.SockFilter{
	load(offNumber),
	jump(unix.SYS_PTRACE, 0, 4),
	load(offFirst),
	jump(unix.PTRACE_GETREGSET, 1, 0),
	jump(unix.PTRACE_SETREGSET, 0, 1),
	ret(unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)),
	ret(unix.SECCOMP_RET_ALLOW),
}

func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

func jump(k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func ret(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
}

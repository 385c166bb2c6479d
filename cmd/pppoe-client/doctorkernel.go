package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/ebpf"
	"upppoe/internal/process/capability"
)

// checkKernel checks whether the kernel can forward packets (eBPF). No interface is touched.
func checkKernel(_ context.Context, d *diagnosis, s *pppd.Settings) {
	release := ""
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		release = " " + unix.ByteSliceToString(name.Release[:])
	}
	e, err := ebpf.Open(ebpf.Config{Sessions: 1})
	if err == nil {
		e.Close()
		d.add("kernel", good, "", "Linux%s can forward packets in the kernel (eBPF)", release)
		return
	}
	v := warning
	if s.DataPath.String() == "kernel" {
		v = fault
	}
	why, mend := explainKernel(err, capability.Has(capability.BPF) || capability.Has(capability.SysAdmin), inUserNamespace())
	d.add("kernel", v, "nothing, if user space is fast enough; else "+mend,
		"Linux%s cannot forward packets in the kernel, so they go through user space: %s", release, why)
}

// explainKernel says why the kernel has refused eBPF programs, and what to do about it. allowed reports whether
// this process has a capability for eBPF (capabilities(7)), confined whether it is in a user namespace.
func explainKernel(err error, allowed, confined bool) (why, mend string) {
	switch {
	case !errors.Is(err, unix.EPERM):
		return err.Error(), "Linux 6.1 or later with CONFIG_BPF_SYSCALL"
	case !allowed:
		return "CAP_BPF is missing", "run it as root; in a container: --cap-add BPF"
	case confined:
		return "eBPF programs cannot be loaded in a user namespace", "run it outside; in a container: --userns host, or an engine that is not rootless"
	}
	return "a seccomp filter or a security module forbids the system call bpf", "in a container: --security-opt seccomp=PROFILE, with one that allows bpf"
}

// inUserNamespace reports whether this process is in a user namespace other than the initial one, which maps
// all user IDs to themselves (user_namespaces(7)).
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

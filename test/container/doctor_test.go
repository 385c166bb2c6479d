package container

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// TestDoctor: pppoe-client doctor names what a container lacks, and the option of an engine that gives it.
func TestDoctor(t *testing.T) {
	near, far := hosts(t)
	serve(t, far)
	withBPF := append(slices.Clone(requiredCaps), unix.CAP_BPF)
	type container struct {
		is   spec
		code int
		want []string // lines of the findings, or beginnings of some
	}
	started := map[*lab.Program]container{}
	for _, c := range []container{
		{spec{TUN: true, Caps: requiredCaps}, 0, []string{"ok tun ", "ok rights ", "ok concentrators box (",
			"warning kernel ", "so they go through user space: CAP_BPF is missing", "try: nothing, if user space is fast enough; else run it as root; in a container: --cap-add BPF",
			"No error: a session can be dialled."}},
		{spec{TUN: true, Caps: withBPF, NoBPF: true}, 0, []string{"ok rights ", "ok concentrators box (",
			"warning kernel ", "a seccomp filter or a security module forbids the system call bpf", "in a container: --security-opt seccomp=PROFILE"}},
		{spec{Caps: requiredCaps}, 1, []string{"ok rights ", "ok concentrators box (",
			"error tun /dev/net/tun does not exist", "try: modprobe tun; in a container: --device /dev/net/tun"}},
		{spec{TUN: true, Caps: []int{unix.CAP_NET_ADMIN}}, 1, []string{"ok tun ", "ok interface ",
			"error rights missing: CAP_NET_RAW try: run it as root, or: setcap", "in a container: --cap-add NET_RAW",
			"skipped concentrators a usable interface and CAP_NET_RAW are needed"}},
		{spec{TUN: true, Caps: []int{}}, 1, []string{"error rights missing: CAP_NET_RAW and CAP_NET_ADMIN try: "}},
	} {
		s := client("doctor", "eth0", "user", "testuser")
		s.TUN, s.Caps, s.NoBPF = c.is.TUN, c.is.Caps, c.is.NoBPF
		started[run(t, near, s)] = c
	}
	for p, c := range started {
		code, err := p.Wait()
		check(t, err)
		got := strings.Join(strings.Fields(p.Log()), " ")
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%+v: no %q in\n%s", c.is, want, p.Log())
			}
		}
		if code != c.code {
			t.Errorf("%+v: code %d, want %d:\n%s", c.is, code, c.code, p.Log())
		}
	}
}

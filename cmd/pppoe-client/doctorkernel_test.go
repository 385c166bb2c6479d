package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/ebpf"
)

// TestExplainKernel: what is missing is named, and what to do fits it.
func TestExplainKernel(t *testing.T) {
	refused := fmt.Errorf("%w: map create: %w", ebpf.ErrUnavailable, unix.EPERM)
	for _, c := range []struct {
		err               error
		allowed, confined bool
		why, mend         string
	}{
		{refused, false, false, "CAP_BPF is missing", "--cap-add BPF"},
		{refused, false, true, "CAP_BPF is missing", "--cap-add BPF"},
		{refused, true, true, "user namespace", "--userns host"},
		{refused, true, false, "seccomp", "--security-opt"},
		{errors.New("unknown helper"), true, false, "unknown helper", "Linux 6.1"},
	} {
		why, mend := explainKernel(c.err, c.allowed, c.confined)
		if !strings.Contains(why, c.why) || !strings.Contains(mend, c.mend) {
			t.Errorf("%+v: %q, %q", c, why, mend)
		}
	}
}

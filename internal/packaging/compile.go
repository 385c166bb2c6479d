package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// target is a processor that is built for.
type target struct {
	name   string // in file names
	env    []string
	debian string // the architecture's name at Debian; empty: there are no Debian packages
	// openwrt are the names of OpenWrt's architectures whose routers run the programs: the most common ones.
	openwrt []string
}

// targets are all processors. Routers with MIPS processors mostly have no floating-point unit.
var targets = []target{
	{"amd64", []string{"GOARCH=amd64"}, "amd64", []string{"x86_64"}},
	{"arm64", []string{"GOARCH=arm64"}, "arm64", []string{"aarch64_generic", "aarch64_cortex-a53"}},
	{"armv7", []string{"GOARCH=arm", "GOARM=7"}, "armhf", []string{"arm_cortex-a7_neon-vfpv4", "arm_cortex-a9_vfpv3-d16"}},
	{"riscv64", []string{"GOARCH=riscv64"}, "riscv64", []string{"riscv64_generic"}},
	{"mips-softfloat", []string{"GOARCH=mips", "GOMIPS=softfloat"}, "", []string{"mips_24kc"}},
	{"mipsle-softfloat", []string{"GOARCH=mipsle", "GOMIPS=softfloat"}, "", []string{"mipsel_24kc"}},
}

// selectTargets returns those of a list of names; all if it is empty.
func selectTargets(list string) (chosen []target, err error) {
	if list == "" {
		return targets, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(targets, func(t target) bool { return t.name == name })
		if i < 0 {
			var names []string
			for _, t := range targets {
				names = append(names, t.name)
			}
			return nil, fmt.Errorf("-arch: there is no %q: there are %s", name, strings.Join(names, ", "))
		}
		chosen = append(chosen, targets[i])
	}
	return chosen, nil
}

// programs are our programs.
var programs = []string{"pppoe-client", "pppoe-server", "pppoe-discovery"}

// compile builds the programs for a target, and returns their directory.
func (j *job) compile(t target) (dir string, err error) {
	dir = filepath.Join(j.work, "bin", t.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X upppoe/internal/version.release="+j.version.program, "-o", dir+"/", "./cmd/...")
	cmd.Dir = j.root
	cmd.Env = append(append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0"), t.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build for %s: %w\n%s", t.name, err, out)
	}
	return dir, nil
}

// Command guest compares our data paths with Linux's own PPPoE, pppd at both ends, in one User-Mode
// Linux guest, whose kernel has PPPoE. Its arguments are options of test/bench/datapath, which it
// runs there. It needs root, linux.uml, pppd, iperf3 and ping.
//
//	go run ./test/bench/guest
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upppoe/test/guest"
	"upppoe/test/lab"
)

// defaults are the options without arguments.
var defaults = []string{
	"-only", "veth-segments,kernel-pppoe,plain,offload,kernel,auto",
	"-columns", "TCP 1,TCP 1 back,UDP flood,ping p50", "-repeat", "5",
}

func main() {
	options := os.Args[1:]
	if len(options) == 0 {
		options = defaults
	}
	if err := run(options); err != nil {
		fmt.Fprintln(os.Stderr, "guest: "+err.Error())
		os.Exit(1)
	}
}

// modules are the modules of the guest's kernel that the benchmark needs.
var modules = []string{
	"ipv6", "af_packet", "veth", "tun", "macvlan", "sch_ingress", "cls_bpf",
	"slhc", "ppp_generic", "pppox", "pppoe",
}

// settings permits the socket buffers that iperf3 requests.
const settings = "sysctl -q -w net.core.rmem_max=8388608 net.core.wmem_max=8388608\n"

func run(options []string) (err error) {
	dir, err := os.MkdirTemp("", "upppoe-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := lab.Build(".", dir, "./test/bench/datapath", "./test/guest/umlrun"); err != nil {
		return err
	}
	n, err := lab.NewNamespace()
	if err != nil {
		return err
	}
	defer n.Close()
	g, err := guest.Start(dir, guest.Config{Bin: dir, Namespace: n, Modules: modules, Timeout: time.Hour})
	if err != nil {
		return err
	}
	defer g.Close()
	script := settings + "'" + filepath.Join(dir, "datapath") + "'"
	for _, o := range options {
		script += " '" + strings.ReplaceAll(o, "'", `'\''`) + "'"
	}
	// Standard error matters only after a failure.
	script += " 2> /run/stderr || { code=$?; cat /run/stderr; exit $code; }\n"
	code, out, err := g.Script(script)
	fmt.Print(out)
	if err == nil && code != 0 {
		err = errors.New("the benchmark failed in the guest")
	}
	return err
}

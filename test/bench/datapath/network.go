package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// configuration is a path from one namespace to another.
type configuration struct {
	name     string
	off, on  []lab.Offload // offloads of the veth pair to switch off, and on
	roles    []string      // roles of the two ends; empty: bare veth
	shared   bool          // the server has one device for all sessions
	optional bool          // measured only with -only
}

// segmentationOffloads let the kernel handle many packets as one.
var segmentationOffloads = []lab.Offload{lab.TSO, lab.GSO}

var configurations = []configuration{
	{name: "veth"},
	{name: "veth-gro", off: segmentationOffloads, on: []lab.Offload{lab.GRO}},
	{name: "veth-segments", off: append(segmentationOffloads, lab.GRO)},
	{name: "kernel-pppoe", roles: []string{"pppd first", "pppd second"}, optional: true},
	{name: "one-packet", roles: []string{"one-packet", "one-packet"}},
	{name: "plain", roles: []string{"concentrator plain", "host plain"}},
	{name: "offload", roles: []string{"concentrator offload", "host offload"}},
	{name: "offload-queues", roles: []string{"concentrator offload-queues", "host offload-queues"}, optional: true},
	{name: "af-xdp", roles: []string{"concentrator af-xdp", "host af-xdp"}, optional: true},
	{name: "kernel", roles: []string{"concentrator kernel", "host kernel"}},
	{name: "auto", roles: []string{"concentrator auto", "host auto"}},
	{name: "plain-shared", roles: []string{"concentrator-shared plain", "host plain"}, shared: true, optional: true},
	{name: "offload-shared", roles: []string{"concentrator-shared offload", "host offload"}, shared: true, optional: true},
	{name: "kernel-shared", roles: []string{"concentrator-shared kernel", "host kernel"}, shared: true, optional: true},
	{name: "auto-shared", roles: []string{"concentrator-shared auto", "host auto"}, shared: true, optional: true},
}

func names() (all []string) {
	for _, c := range configurations {
		all = append(all, c.name)
	}
	return all
}

// Addresses of the two ends: of sessions, and of Ethernet.
const (
	here, there       = "192.0.2.1", "192.0.2.2"
	hereMAC, thereMAC = "02:00:5e:00:53:01", "02:00:5e:00:53:02"
)

// network is a configuration that is running. Connections start at the first host.
type network struct {
	configuration
	ends    [2]*lab.Namespace
	hosts   [2]*lab.Namespace // what measures: the ends, or hosts behind them
	target  string            // address of the second host
	running []*exec.Cmd
	results map[string][]float64
}

func newNetwork(c configuration, forwarding bool) (n *network, err error) {
	n = &network{configuration: c, target: there, results: make(map[string][]float64)}
	if err := n.connect(); err != nil {
		return n, err
	}
	if n.hosts = n.ends; forwarding {
		if err := n.addHosts(); err != nil {
			return n, err
		}
	}
	if err := n.startRoles(); err != nil {
		return n, err
	}
	if _, err = n.ends[0].Ping(addr(there), 1, 10*time.Second); err != nil {
		return n, err
	}
	if forwarding {
		if err := n.routeHosts(); err != nil {
			return n, err
		}
	}
	server := exec.Command("iperf3", "-s", "--forceflush")
	server.Stderr = io.Discard // where it reports the signal that ends it
	return n, n.start(n.hosts[1], server, "Server listening")
}

// connect makes the two ends and the veth pair between them.
func (n *network) connect() (err error) {
	for i := range n.ends {
		if n.ends[i], err = lab.NewNamespace(); err != nil {
			return err
		}
	}
	err = lab.Veth(lab.End{In: n.ends[0], Name: "eth0", MAC: hereMAC}, lab.End{In: n.ends[1], Name: "eth0", MAC: thereMAC})
	if err != nil {
		return err
	}
	for _, end := range n.ends {
		if err := errors.Join(end.Offload("eth0", false, n.off...), end.Offload("eth0", true, n.on...)); err != nil {
			return err
		}
	}
	return nil
}

// startRoles starts the programs that carry packets.
func (n *network) startRoles() error {
	if len(n.roles) == 0 {
		return n.configureVeth()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	macs := [2]string{hereMAC, thereMAC}
	addrs := [2]string{here, there}
	for i, role := range n.roles {
		args := append(strings.Fields(role), addrs[i], addrs[1-i], macs[1-i])
		if err := n.start(n.ends[i], exec.Command(self, args...), "ready"); err != nil {
			return err
		}
	}
	return nil
}

// configureVeth assigns the addresses to the veth pair itself.
func (n *network) configureVeth() error {
	for i, a := range []string{here, there} {
		if err := n.ends[i].Address("eth0", a+"/24"); err != nil {
			return err
		}
	}
	return nil
}

// start starts a program in a namespace, and waits for a line with a prefix.
func (n *network) start(in *lab.Namespace, cmd *exec.Cmd, word string) error {
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := in.Start(cmd); err != nil {
		return err
	}
	n.running = append(n.running, cmd)
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if strings.HasPrefix(scan.Text(), word) {
			// Ends with the program.
			go func() {
				for scan.Scan() {
				}
			}()
			return nil
		}
	}
	return fmt.Errorf("%v ended without %q", cmd.Args, word)
}

func (n *network) close() {
	for _, cmd := range slices.Backward(n.running) {
		cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
	}
	for _, in := range append(n.ends[:], n.hosts[:]...) {
		if in != nil {
			in.Close()
		}
	}
}

func mac(s string) net.HardwareAddr {
	a, err := net.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return a
}

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
)

// configuration is a way from one namespace to another.
type configuration struct {
	name    string
	segment bool     // the veth pair may segment: nobody is in between
	relay   []string // the roles of the two ends; none: bare veth
}

var configurations = []configuration{
	{name: "veth", segment: true},
	{name: "veth-segments"},
	{name: "one-packet", relay: []string{"one-packet", "one-packet"}},
	{name: "plain", relay: []string{"concentrator plain", "host plain"}},
	{name: "offload", relay: []string{"concentrator offload", "host offload"}},
	{name: "af-xdp", relay: []string{"concentrator af-xdp", "host af-xdp"}},
	{name: "kernel", relay: []string{"concentrator kernel", "host kernel"}},
}

func names() (all []string) {
	for _, c := range configurations {
		all = append(all, c.name)
	}
	return all
}

// Addresses of the two ends, and on the Ethernet below.
const (
	here, there       = "192.0.2.1", "192.0.2.2"
	hereMAC, thereMAC = "02:00:5e:00:53:01", "02:00:5e:00:53:02"
)

// network is a configuration laid out. The first end is where connections come from.
type network struct {
	configuration
	ends    [2]*lab.Namespace
	running []*exec.Cmd
	results map[string][]float64
}

func lay(c configuration) (n *network, err error) {
	n = &network{configuration: c, results: make(map[string][]float64)}
	for i := range n.ends {
		if n.ends[i], err = lab.NewNamespace(); err != nil {
			return n, err
		}
	}
	err = lab.Veth(lab.End{In: n.ends[0], Name: "eth0", MAC: hereMAC}, lab.End{In: n.ends[1], Name: "eth0", MAC: thereMAC})
	if err != nil {
		return n, err
	}
	if err := n.join(); err != nil {
		return n, err
	}
	if _, err = n.ends[0].Ping(addr(there), 1, 10*time.Second); err != nil {
		return n, err
	}
	server := exec.Command("iperf3", "-s", "--forceflush")
	return n, n.start(1, server, "Server listening")
}

// join has packets cross.
func (n *network) join() error {
	if len(n.relay) == 0 {
		return n.bare()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	macs := [2]string{hereMAC, thereMAC}
	addrs := [2]string{here, there}
	for i, role := range n.relay {
		args := append(strings.Fields(role), addrs[i], addrs[1-i], macs[1-i])
		if err := n.start(i, exec.Command(self, args...), "ready"); err != nil {
			return err
		}
	}
	return nil
}

// bare gives the veth pair itself the addresses.
func (n *network) bare() error {
	for i, a := range []string{here, there} {
		if err := n.ends[i].Address("eth0", a+"/24"); err != nil {
			return err
		}
		if n.segment {
			continue
		}
		if err := n.ends[i].Offload("eth0", false, lab.SegmentTCP, lab.SegmentSoftware, lab.Join); err != nil {
			return err
		}
	}
	return nil
}

// start starts a program at an end, and waits for a line that begins with a word.
func (n *network) start(end int, cmd *exec.Cmd, word string) error {
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.ends[end].Start(cmd); err != nil {
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
	for i := len(n.running) - 1; i >= 0; i-- {
		n.running[i].Process.Signal(unix.SIGTERM)
	}
	for _, cmd := range n.running {
		cmd.Wait()
	}
	for _, end := range n.ends {
		if end != nil {
			end.Close()
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

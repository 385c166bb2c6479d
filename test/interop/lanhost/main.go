// Command lanhost is a host of a local network behind a router that has a PPPoE session. It
// tests the path to another one behind the other end of the session:
//
//	lanhost serve ADDRESS ...
//	lanhost check MTU ADDRESS ...
//	lanhost toobig MTU ADDRESS ...
//
// serve answers until it is killed, and first prints "serving". check compares what comes back
// with what was sent: pings of every size up to the MTU, one that is too big, TCP in both
// directions at once, datagrams, and fragmented datagrams. toobig checks only the ICMP error for
// a ping of one octet more than the MTU.
package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lanhost: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 1 && args[0] == "serve":
		addrs, err := parse(args[1:])
		if err != nil {
			return err
		}
		return serve(addrs)
	case len(args) > 2 && (args[0] == "check" || args[0] == "toobig"):
		addrs, err := parse(args[2:])
		if err != nil {
			return err
		}
		mtu, err := strconv.Atoi(args[1])
		for _, to := range addrs {
			err = errors.Join(err, checkAddress(to, mtu, args[0] == "check"))
		}
		return err
	}
	return errors.New("usage: lanhost serve ADDRESSES | lanhost {check|toobig} MTU ADDRESSES")
}

func parse(args []string) (addrs []netip.Addr, err error) {
	for _, a := range args {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// checkAddress runs the checks against one address.
func checkAddress(to netip.Addr, mtu int, all bool) error {
	p, err := openPinger(to)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.pingTooBig(mtu); err != nil || !all {
		return err
	}
	return errors.Join(p.pingAllSizes(mtu), streams(to), datagrams(to, mtu))
}

// Command sessionend is one end of a PPPoE session with an MSS limit of the caller's choice, on eth0
// and without authentication, for tests of the library's MSS clamping:
//
//	sessionend client|server MSS
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"strconv"

	"golang.org/x/sys/unix"

	"upppoe/internal/host/netconfig"
	"upppoe/internal/log/pppdlog"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sessionend: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: sessionend client|server MSS")
	}
	mss, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	log := slog.New(pppdlog.NewHandler(false, os.Stderr))
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	if args[0] == "server" {
		return serve(ctx, mss, log)
	}
	dial(ctx, mss, log)
	return nil
}

func options(local string) session.Config {
	c := session.Config{IPv4: &ipcp.Config{}, IPv6: &ipv6cp.Config{}}
	if local != "" {
		c.IPv4.Local = netip.MustParseAddr(local)
	}
	return c
}

func listen() (pppoe.Ports, error) { return afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0"}) }

func serve(ctx context.Context, mss int, log *slog.Logger) error {
	ports, err := listen()
	if err != nil {
		return err
	}
	s, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "sessionend"},
		Session:      options("192.0.2.1"),
		Pool:         pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")},
		Network:      &netconfig.Configurer{Log: log},
		MSS:          mss,
		Notify:       (&pppdlog.EventLogger{Log: log, Server: true}).Notify,
	}, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	if err != nil {
		return err
	}
	log.Info("Serving on eth0")
	return s.Run(ctx)
}

// dial runs a client until the context ends.
func dial(ctx context.Context, mss int, log *slog.Logger) {
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		Interface: "eth0",
		OpenPorts: listen,
		Session:   options(""),
		Network:   &netconfig.Configurer{Log: log},
		MSS:       mss,
		Notify:    (&pppdlog.EventLogger{Log: log}).Notify,
	})
	if err == nil {
		err = client.Run(ctx)
	}
	log.Info(err.Error())
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/ifname"
	"upppoe/internal/host/linkmonitor"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// watchInterfaces passes changes of the interfaces' states and addresses to the server, until the context
// ends or stop is called. stop waits for the watchers. The server has addresses of its own if they are
// fixed.
func watchInterfaces(ctx context.Context, interfaces []serverconfig.Interface, fixed bool, server *pppoe.Server, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	var names []string
	for _, on := range interfaces {
		name, _ := ifname.KernelName(on.Name)
		names = append(names, name)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		watching.Go(func() { watchInterface(ctx, name, fixed, server, log) })
	}
	return func() { cancel(); watching.Wait() }
}

// watchInterface watches one interface. Changes after the first report are logged.
func watchInterface(ctx context.Context, name string, fixed bool, server *pppoe.Server, log *slog.Logger) {
	state, address, begun := pppoe.InterfaceUp, wire.Addr{}, false
	err := linkmonitor.Watch(ctx, name, func(s pppoe.InterfaceState, a wire.Addr) {
		if fixed {
			a = wire.Addr{}
		}
		if s != state {
			log.Info(fmt.Sprintf("Interface %s is %v", name, s))
		}
		if begun && a != address && a != (wire.Addr{}) {
			log.Info(fmt.Sprintf("The Ethernet address of interface %s has changed to %v", name, a))
		}
		state, begun = s, true
		if a != (wire.Addr{}) {
			address = a
		}
		server.SetInterfaceState(name, s, a)
	})
	if err != nil {
		log.Warn(fmt.Sprintf("%v: an interface that is lost is tried again every second", err))
		server.SetInterfaceState(name, pppoe.InterfaceUp, wire.Addr{})
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/mgmt/servercontrol"
)

// status returns what the control socket shows of the cluster; nil: there is none.
func (a *allActive) status() *servercontrol.AllActive {
	if a == nil {
		return nil
	}
	is := a.member.Status()
	s := &servercontrol.AllActive{Machine: is.Machine, Etcd: "connected", LeftS: is.Left.Round(time.Second).Seconds(), Claims: is.Claims, Pending: is.Pending, Problems: is.Problems}
	if !is.Connected {
		s.Etcd = "away"
	}
	if is.Err != nil {
		s.EtcdError = is.Err.Error()
	}
	if is.Refused != nil {
		s.Refused = is.Refused.Error()
	}
	for _, m := range is.Machines {
		s.Machines = append(s.Machines, servercontrol.Machine(m))
	}
	for _, p := range is.Pools {
		s.Blocks = append(s.Blocks, servercontrol.PoolBlocks{Pool: p.Name, Kind: string(p.Kind), BlockSize: p.BlockSize, Blocks: p.Blocks, Leased: p.Leased, Own: p.Own, Used: p.Used, Free: p.Free})
	}
	return s
}

// errNotAllActive is the answer to a request about a cluster that there is not.
var errNotAllActive = errors.New("this server is not one of a cluster of which all machines are active")

// free frees what another machine has.
func (a *allActive) free(machine string) (keys int, err error) {
	if a == nil {
		return 0, errNotAllActive
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout/2)
	defer cancel()
	if keys, err = a.member.Free(ctx, machine); err == nil {
		a.log.Warn(fmt.Sprintf("cluster: machine %s is off, says the operator: %d keys are free", machine, keys))
	}
	return keys, err
}

// keepPools keeps the pools of a running machine, and reports whether the configuration has others.
func (a *allActive) keepPools(c, current *serverconfig.Config) bool {
	if a == nil {
		return false
	}
	was := fmt.Sprint(c.Pools)
	c.Pools = current.Pools
	return was != fmt.Sprint(c.Pools)
}

// writeAllActive writes the state of a cluster of which all machines are active.
func writeAllActive(w io.Writer, a *servercontrol.AllActive) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	var machines []string
	for _, m := range a.Machines {
		text := fmt.Sprintf("%s (%d blocks)", m.Name, m.Blocks)
		if !m.Alive {
			text = fmt.Sprintf("%s (NOT ALIVE, %d blocks)", m.Name, m.Blocks)
		}
		machines = append(machines, text)
	}
	line("cluster", "machine %s; all are active: %s", a.Machine, strings.Join(machines, ", "))
	left := time.Duration(a.LeftS) * time.Second
	if a.Etcd == "connected" {
		line("etcd", "answers; without it sessions go on for %v", left)
	} else {
		line("etcd", "DOES NOT ANSWER (%s): sessions go on for %v", a.EtcdError, left)
	}
	if a.Refused != "" {
		line("refused", "no session can begin: %s", a.Refused)
	}
	for _, p := range a.Blocks {
		line("pool "+p.Pool, "%s, %d blocks of %d: %d are leased, %d by this machine, which has %d used and %d free", p.Kind, p.Blocks, p.BlockSize, p.Leased, p.Own, p.Used, p.Free)
	}
	line("claims", "%d users, addresses and routes of sessions; etcd does not have %d of them yet", a.Claims, a.Pending)
	for _, text := range a.Problems {
		line("PROBLEM", "%s", text)
	}
}

// freeMachine is the subcommand cluster-free.
func freeMachine(args []string) int {
	set := commandFlags("cluster-free")
	yes := set.Bool("yes", false, "the machine is off, or has no clients")
	socket := ""
	addSocketFlag(set, &socket)
	if code, ok := parseCommand(set, args); !ok {
		return code
	}
	switch names := set.Args(); {
	case len(names) != 1:
		return fail(&pppd.Error{Message: "name one machine"})
	case !*yes:
		return fail(&pppd.Error{Message: fmt.Sprintf("if machine %s still has clients, their addresses are given to others as well: switch it off, or disconnect it from them, and give --yes", names[0])})
	}
	path, err := findSocket(socket)
	if err != nil {
		return fail(err)
	}
	r, err := ask(path, "free", servercontrol.FreeMachine{Machine: set.Args()[0]}, func([]byte) error { return nil })
	if err == nil {
		fmt.Printf("%d keys of machine %s are free\n", r.Count, set.Args()[0])
	}
	return commandExit(err)
}

package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sys/unix"
)

// Config is the configuration of an Elector.
type Config struct {
	Client *clientv3.Client
	// Prefix is what the cluster's keys in etcd begin with. It ends with "/".
	Prefix string
	// Name is this machine's, and Machines are the names of all, including it, in any order.
	Name     string
	Machines []string
	// Timing should be the same on all machines.
	Timing Timing
	// Segment reaches the other machines. Nil: without etcd this one has no right to send after its lease,
	// unless it is alone.
	Segment Segment
	// Fence is called with each new deadline, from which on nothing must be sent: 0 at first. It must not
	// block.
	Fence func(Time)
	// Log receives what happens.
	Log *slog.Logger
	// Explain finds out more about an error of etcd for the log; nil: errors are logged as they are.
	Explain func(context.Context, error) error
}

// Errors of Config.Check, wrapped.
var (
	ErrName     = errors.New("a machine's name has 1 to 63 letters, digits and the characters - . _")
	ErrMachines = errors.New("the list of machines must have this machine, and no name twice")
	ErrLease    = errors.New("a lease has 1 second at least")
)

// maxName is the length of a machine's name at most.
const maxName = 63

// minLease leaves time for several renewals before Guard.
const minLease = time.Second

// Check returns what is wrong with the names or the lease.
func (c *Config) Check() error {
	for _, name := range c.Machines {
		if name == "" || len(name) > maxName || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
			return fmt.Errorf("%q: %w", name, ErrName)
		}
	}
	unique := slices.Compact(slices.Sorted(slices.Values(c.Machines)))
	switch {
	case len(unique) != len(c.Machines) || !slices.Contains(unique, c.Name):
		return fmt.Errorf("%q, of %q: %w", c.Name, c.Machines, ErrMachines)
	case c.Timing.Lease != 0 && c.Timing.Lease < minLease:
		return fmt.Errorf("%v: %w", c.Timing.Lease, ErrLease)
	}
	return nil
}

// list is the value of the key of all machines.
func (c *Config) list() string { return strings.Join(slices.Sorted(slices.Values(c.Machines)), ",") }

func (c *Config) others() (others []string) {
	for _, name := range c.Machines {
		if name != c.Name {
			others = append(others, name)
		}
	}
	return others
}

// TimingOf returns the timing of a lease; 0: DefaultTiming.
func TimingOf(lease time.Duration) Timing {
	t := DefaultTiming
	if lease != 0 {
		share := func(d time.Duration) time.Duration { return lease * d / DefaultTiming.Lease }
		t = Timing{lease, share(t.Guard), share(t.Renew), share(t.Consent), share(t.Away), max(t.Grace, share(t.Grace))}
	}
	return t
}

// Now returns the time.
func Now() Time {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // cannot fail
	return Time(t.Nano())
}

// WallTime returns a time as one that functions of package time take; zero for Forever. If the program is
// stopped in here, the result is too early.
func WallTime(t Time) time.Time {
	if t == Forever {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(t - Now())
}

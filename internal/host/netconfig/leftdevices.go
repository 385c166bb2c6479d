package netconfig

import (
	"fmt"
	"log/slog"
	"time"

	"upppoe/tun"
)

// Sweep removes the devices that an earlier program of the Owner has left and no session has opened. It must
// be called once when all sessions that are to be adopted have theirs.
func (h *Configurer) Sweep() {
	if h.Owner == "" {
		return
	}
	if err := InNamespace(h.Namespace, h.sweepHere); err != nil {
		h.Log.Warn(fmt.Sprintf("remove the devices of an earlier program: %v", err))
	}
}

// StartSweep begins a Sweep, and does not wait for its end. Devices that are opened later do, so that they get
// the names of those that it removes.
func (h *Configurer) StartSweep() { h.sweeps.Go(h.Sweep) }

// How long awaitOwned waits, and for how long at a time.
const (
	leftTimeout = time.Second
	leftPoll    = 5 * time.Millisecond
)

// awaitOwned reports whether an earlier program of the Owner has left the device of an adopted session. A
// program that was just killed may still be closing it, when no other program can open it.
func (h *Configurer) awaitOwned(name string) bool {
	if h.Owner == "" || name == "" {
		return false
	}
	for until := time.Now().Add(leftTimeout); ; time.Sleep(leftPoll) {
		owned := tun.IsOwned(name, h.Owner)
		if owned || tun.CheckName(name) == nil || !time.Now().Before(until) {
			return owned
		}
	}
}

func (h *Configurer) sweepHere() error {
	used := h.usedIndexes()
	return RemoveOwned(h.Owner, func(_ string, index int) bool { return used[index] }, h.Log)
}

// RemoveOwned removes the devices of an owner that are not in use. Those that cannot be removed are logged.
func RemoveOwned(owner string, inUse func(name string, index int) bool, log *slog.Logger) error {
	names, err := tun.Owned(owner, inUse)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := tun.RemoveOwned(name, owner); err != nil {
			log.Warn(fmt.Sprintf("%s: remove the device of an earlier program: %v", name, err))
		}
	}
	return nil
}

// usedIndexes returns the indexes of the sessions' devices.
func (h *Configurer) usedIndexes() map[int]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	used := make(map[int]bool)
	for _, p := range h.sessions {
		used[p.index] = true
	}
	return used
}

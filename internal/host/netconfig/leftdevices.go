package netconfig

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"

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
	names, err := tun.Owned(h.Owner)
	if err != nil {
		return err
	}
	used := h.usedIndexes()
	for _, name := range names {
		link, err := netlink.LinkByName(name)
		if err != nil || used[link.Attrs().Index] {
			continue
		}
		if err := tun.RemoveOwned(name, h.Owner); err != nil {
			h.Log.Warn(fmt.Sprintf("%s: remove the device of an earlier program: %v", name, err))
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

package netconfig

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// step is one change of the machine's network.
type step struct {
	what string // in words that can follow "cannot"
	// do makes the change whole or not at all, and returns how to take it back; nil:
	// nothing was changed.
	do func() (undo func() error, err error)
}

// appliedStep is a change that has been made, and can be taken back.
type appliedStep struct {
	what string
	undo func() error
}

// appliedSteps are those made, in order.
type appliedSteps []appliedStep

// apply takes steps in turn. When one fails, those before it are taken back.
func (h *Configurer) apply(steps []step) (appliedSteps, error) {
	var made appliedSteps
	for _, s := range steps {
		undo, err := h.applyStep(s)
		if err != nil {
			made.undo(h.Log)
			return nil, err
		}
		if undo != nil {
			made = append(made, appliedStep{s.what, undo})
		}
	}
	return made, nil
}

func (h *Configurer) applyStep(s step) (func() error, error) {
	if h.beforeStep != nil {
		if err := h.beforeStep(s.what); err != nil {
			return nil, err
		}
	}
	undo, err := s.do()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.what, err)
	}
	return undo, nil
}

// undo undoes changes, the last one first. What cannot be undone does not keep the
// rest from it.
func (c *appliedSteps) undo(log *slog.Logger) {
	for _, u := range slices.Backward(*c) {
		if err := u.undo(); err != nil && !isGone(err) {
			log.Warn(fmt.Sprintf("cannot undo (%s): %v", u.what, err))
		}
	}
	*c = nil
}

// isGone says that what was to be removed is not there: somebody else has removed it, or
// it went with its device.
func isGone(err error) bool {
	for _, known := range []error{unix.ENODEV, unix.ENXIO, unix.EADDRNOTAVAIL, unix.ESRCH, unix.ENOENT} {
		if errors.Is(err, known) {
			return true
		}
	}
	missing := netlink.LinkNotFoundError{}
	return errors.As(err, &missing)
}

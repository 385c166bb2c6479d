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
	what string // names the change in errors
	// do makes the whole change or nothing, and returns how to undo it; nil: nothing was changed.
	do func() (undo func() error, err error)
	// ofDevice: the kernel undoes the change when the device is removed.
	ofDevice bool
	// adopted: that it exists is no error.
	adopted bool
}

// appliedStep is a change that was made and can be undone.
type appliedStep struct {
	what     string
	undo     func() error
	ofDevice bool
}

// appliedSteps are changes in the order they were made.
type appliedSteps []appliedStep

// apply applies steps in turn. When one fails, those before it are undone.
func (h *Configurer) apply(steps []step) (appliedSteps, error) {
	var made appliedSteps
	for _, s := range steps {
		undo, err := h.applyStep(s)
		if err != nil {
			made.undo(h.Log)
			return nil, err
		}
		if undo != nil {
			made = append(made, appliedStep{s.what, undo, s.ofDevice})
		}
	}
	return made, nil
}

// applyTo is apply for a session, whose predecessor may have made the changes.
func (h *Configurer) applyTo(p *session, steps []step) (appliedSteps, error) {
	for i := range steps {
		steps[i].adopted = p.adopted
	}
	return h.apply(steps)
}

func (h *Configurer) applyStep(s step) (func() error, error) {
	if h.beforeStep != nil {
		if err := h.beforeStep(s.what); err != nil {
			return nil, err
		}
	}
	undo, err := s.do()
	if s.adopted && undo != nil && errors.Is(err, unix.EEXIST) {
		return undo, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.what, err)
	}
	return undo, nil
}

// withoutDevice drops the changes that were undone when the device was removed.
func (c *appliedSteps) withoutDevice() {
	*c = slices.DeleteFunc(*c, func(s appliedStep) bool { return s.ofDevice })
}

// undo undoes changes in reverse order. It goes on after an error.
func (c *appliedSteps) undo(log *slog.Logger) {
	for _, u := range slices.Backward(*c) {
		if err := u.undo(); err != nil && !isGone(err) {
			log.Warn(fmt.Sprintf("cannot undo (%s): %v", u.what, err))
		}
	}
	*c = nil
}

// isGone reports whether an error says that what was to be removed does not exist: it was removed
// before, or went with its device.
func isGone(err error) bool {
	for _, known := range []error{unix.ENODEV, unix.ENXIO, unix.EADDRNOTAVAIL, unix.ESRCH, unix.ENOENT} {
		if errors.Is(err, known) {
			return true
		}
	}
	missing := netlink.LinkNotFoundError{}
	return errors.As(err, &missing)
}

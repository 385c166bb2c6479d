package netif

import (
	"fmt"
	"log/slog"
	"time"
)

// retryInterval is when to try again what could not be set, if nothing changes before.
const retryInterval = 5 * time.Second

// Reconciler has the kernel follow what a line wants, tries again what does not work, and
// says so once. Its methods must not be called concurrently.
type Reconciler struct {
	device    string
	apply     func(now time.Time, want Config) error
	log       *slog.Logger
	retryAt   time.Time // zero: everything is set
	lastError string
}

// NewReconciler makes a keeper for a line's device; apply is a Kernel's.
func NewReconciler(device string, apply func(now time.Time, want Config) error, log *slog.Logger) *Reconciler {
	return &Reconciler{device: device, apply: apply, log: log}
}

// Reconcile makes what is set what is wanted, as far as that works now.
func (k *Reconciler) Reconcile(now time.Time, want Config) {
	err := k.apply(now, want)
	if err == nil {
		k.retryAt, k.lastError = time.Time{}, ""
		return
	}
	k.retryAt = now.Add(retryInterval)
	if text := err.Error(); text != k.lastError {
		k.log.Warn(fmt.Sprintf("%s: %s; trying again", k.device, text))
		k.lastError = text
	}
}

// Next is when to call Settle again; zero: when something else is wanted.
func (k *Reconciler) Next() time.Time { return k.retryAt }

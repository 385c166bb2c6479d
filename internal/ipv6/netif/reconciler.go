package netif

import (
	"fmt"
	"log/slog"
	"time"
)

// retryInterval is when to retry what could not be set, if nothing changes before.
const retryInterval = 5 * time.Second

// Reconciler applies a session's desired configuration to the kernel, retries what fails, and logs
// each failure once. Its methods must not be called concurrently.
type Reconciler struct {
	device    string
	apply     func(now time.Time, want Config) error
	log       *slog.Logger
	retryAt   time.Time // zero: everything is set
	lastError string
}

// NewReconciler makes the reconciler of a session's device; apply is Kernel.Apply.
func NewReconciler(device string, apply func(now time.Time, want Config) error, log *slog.Logger) *Reconciler {
	return &Reconciler{device: device, apply: apply, log: log}
}

// Reconcile applies the desired configuration, as far as that succeeds now.
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

// Next returns when to call Reconcile again; zero: when the desired configuration changes.
func (k *Reconciler) Next() time.Time { return k.retryAt }

package netif

import (
	"fmt"
	"log/slog"
	"time"
)

// retryAfter is when to try again what could not be set, if nothing changes before.
const retryAfter = 5 * time.Second

// Keeper has the kernel follow what a line wants, tries again what does not work, and
// says so once. Its methods must not be called concurrently.
type Keeper struct {
	device  string
	apply   func(now time.Time, want Set) error
	log     *slog.Logger
	retry   time.Time // zero: everything is set
	trouble string
}

// NewKeeper makes a keeper for a line's device; apply is a Kernel's.
func NewKeeper(device string, apply func(now time.Time, want Set) error, log *slog.Logger) *Keeper {
	return &Keeper{device: device, apply: apply, log: log}
}

// Settle makes what is set what is wanted, as far as that works now.
func (k *Keeper) Settle(now time.Time, want Set) {
	err := k.apply(now, want)
	if err == nil {
		k.retry, k.trouble = time.Time{}, ""
		return
	}
	k.retry = now.Add(retryAfter)
	if text := err.Error(); text != k.trouble {
		k.log.Warn(fmt.Sprintf("%s: %s; trying again", k.device, text))
		k.trouble = text
	}
}

// Next is when to call Settle again; zero: when something else is wanted.
func (k *Keeper) Next() time.Time { return k.retry }

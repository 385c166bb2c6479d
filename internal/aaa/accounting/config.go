package accounting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	layeh "layeh.com/radius"

	"upppoe/internal/aaa/radius"
	"upppoe/pppoe"
)

// Client sends requests. *radius.Client is one.
type Client interface {
	Exchange(context.Context, radius.Build) (*layeh.Packet, error)
}

// Config configures Accounting. Client and NAS must be set. A zero field stands for the default.
type Config struct {
	Client Client
	NAS    *radius.NAS
	// Interim is the time between the interim records of a session whose policy says none; 0: none.
	Interim time.Duration
	// Spool is the path of the file that has what could not be sent; empty: it is kept in memory. It has
	// mode 0600.
	Spool string
	// MaxSpool bounds the records in it; default 500,000. In memory there are at most 16,384.
	MaxSpool int
	// Parallel is how many records are sent at a time; default 128.
	Parallel int
	// Retry is the time between attempts while no server answers; default 10 s.
	Retry time.Duration
	Log   *slog.Logger
	// Keep keeps what a successor needs to continue the accounting of a session, by its generation; it must
	// not block. Inherited returns what Keep was called with in an earlier program; nil: it was not. Both may
	// be nil.
	Keep      func(generation uint64, part []byte)
	Inherited func(generation uint64) []byte
}

// ErrConfig reports an invalid Config (wrapped).
var ErrConfig = errors.New("accounting")

const (
	defaultMaxSpool = 500_000
	defaultParallel = 128
	defaultRetry    = 10 * time.Second
	maxInMemory     = 16_384
)

func (c Config) withDefaults() (Config, error) {
	if c.Client == nil || c.NAS == nil {
		return c, fmt.Errorf("%w: Client and NAS must be set", ErrConfig)
	}
	if c.MaxSpool == 0 {
		c.MaxSpool = defaultMaxSpool
	}
	if c.Spool == "" {
		c.MaxSpool = min(c.MaxSpool, maxInMemory)
	}
	if c.Keep == nil {
		c.Keep = func(uint64, []byte) {}
	}
	if c.Inherited == nil {
		c.Inherited = func(uint64) []byte { return nil }
	}
	if c.Parallel == 0 {
		c.Parallel = defaultParallel
	}
	if c.Retry == 0 {
		c.Retry = defaultRetry
	}
	switch {
	case c.MaxSpool < 0:
		return c, fmt.Errorf("%w: MaxSpool is %d, below 0", ErrConfig, c.MaxSpool)
	case c.Parallel < 1 || c.Parallel > 4096:
		return c, fmt.Errorf("%w: Parallel is %d: give 1 to 4096", ErrConfig, c.Parallel)
	case c.Retry < 0 || c.Interim < 0:
		return c, fmt.Errorf("%w: Retry and Interim must not be below 0", ErrConfig)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Sessions is the part of a *pppoe.Server that interim records are made of.
type Sessions interface {
	Session(pppoe.SessionKey) (pppoe.SessionStatus, error)
	// RecordCounters has the store know at least the counters that Session has returned.
	RecordCounters(pppoe.SessionKey) error
}

package allactive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"time"

	"upppoe/internal/cluster"
)

// Time is one of the machine's clock, CLOCK_BOOTTIME: since its boot.
type Time = cluster.Time

// Config is the configuration of a Member.
type Config struct {
	Store Store
	// Name is this machine's, and ID is known only to it, and survives its programs.
	Name, ID string
	// Machines are the names of all, including this one, in any order.
	Machines []string
	// BlockSize is how much a block has: a power of two, the same on all machines.
	BlockSize int
	// Spare is how many blocks are leased in advance.
	Spare int
	// RefuseAway refuses logins while etcd is away.
	RefuseAway bool
	Timing     Timing
	// Fence is called with each new deadline, from which on nothing must be sent. It must not block.
	Fence func(Time)
	// Kept is what an earlier program of this boot, with this ID, has kept last; nil: nothing. Keep keeps it: the error
	// says why the earlier one is kept still; nil: nothing is kept.
	Kept *Kept
	Keep func(Kept) error
	// Now returns the time; nil: cluster.Now.
	Now func() Time
	// Explain finds out more about an error of etcd for the log; nil: errors are logged as they are.
	Explain func(context.Context, error) error
	// Log receives what happens.
	Log *slog.Logger
}

// Timing is how long a machine has what it has leased. Zero: that of DefaultTiming.
type Timing struct {
	Hold    time.Duration // blocks and claims, without a sign of the machine
	Guard   time.Duration // how much earlier the machine stops
	Live    time.Duration // after which its claims are anyone's
	Tick    time.Duration // how often pools are looked at
	Timeout time.Duration // of one request
	Away    time.Duration // without an answer for so long, etcd is away
	Claim   time.Duration // of a login
	Idle    time.Duration // after which blocks that are not needed are returned
}

// DefaultTiming lets sessions go on for almost an hour without etcd.
var DefaultTiming = Timing{
	Hold: time.Hour, Guard: time.Minute, Live: 3 * time.Second, Tick: 100 * time.Millisecond, Timeout: time.Second,
	Away: 1500 * time.Millisecond, Claim: 6 * time.Second, Idle: 5 * time.Minute,
}

// Defaults of blocks.
const (
	DefaultBlockSize = 64
	DefaultSpare     = 4
)

// MinHold is the shortest Timing.Hold.
const MinHold = 10 * time.Second

// MaxBlockSize is the largest block.
const MaxBlockSize = 4096

// Errors of Config.Check, wrapped.
var (
	ErrBlockSize = errors.New("the size of a block must be a power of two from 1 to 4096")
	ErrHold      = errors.New("blocks must be held for 10 seconds at least")
)

// Check returns what is wrong with the names or numbers.
func (c *Config) Check() error {
	names := cluster.Config{Name: c.Name, Machines: c.Machines}
	switch err := names.Check(); {
	case err != nil:
		return err
	case c.BlockSize < 1 || c.BlockSize > MaxBlockSize || bits.OnesCount(uint(c.BlockSize)) != 1:
		return fmt.Errorf("%d: %w", c.BlockSize, ErrBlockSize)
	case c.Timing.Hold != 0 && c.Timing.Hold < MinHold:
		return fmt.Errorf("%v: %w", c.Timing.Hold, ErrHold)
	}
	return nil
}

// TimingOf returns the timing for a Hold; 0: DefaultTiming.
func TimingOf(hold time.Duration) Timing {
	t := DefaultTiming
	if hold != 0 {
		t.Hold = hold
		t.Guard = min(max(hold/10, time.Second), time.Minute)
		t.Idle = min(t.Idle, hold)
	}
	return t
}

// BlockBits returns the length of the blocks of a pool.
func BlockBits(unitBits, blockSize int) int { return unitBits - bits.TrailingZeros(uint(blockSize)) }

func (c *Config) withDefaults() {
	if c.Timing == (Timing{}) {
		c.Timing = DefaultTiming
	}
	if c.Now == nil {
		c.Now = cluster.Now
	}
	if c.BlockSize == 0 {
		c.BlockSize = DefaultBlockSize
	}
}

package sessionlog

import (
	"log/slog"
	"time"
)

// Config configures a Log. Path, BootID and Log must be set.
type Config struct {
	// Path is the file's. Its directory is made if necessary, with mode 0700.
	Path string
	// BootID identifies this boot of the kernel.
	BootID string
	// Program is the version of the program, for messages of another one.
	Program string
	// SyncInterval is after how long at most the disk has what was written; default 5 s.
	SyncInterval time.Duration
	Log          *slog.Logger

	disk disk // default: the system's
}

const (
	defaultSyncInterval = 5 * time.Second
	// gather is the least time between two writes.
	gather = 2 * time.Millisecond
	// retry is the time between attempts to write to a disk that refuses.
	retry = time.Second
	// minGarbage is the garbage with which a file is not written anew.
	minGarbage = 4 << 20
	// newSuffix is that of the name of a file that is being written, in place of the one before.
	newSuffix = ".new"
)

func (c Config) withDefaults() Config {
	if c.SyncInterval == 0 {
		c.SyncInterval = defaultSyncInterval
	}
	if c.disk == nil {
		c.disk = systemDisk{}
	}
	return c
}

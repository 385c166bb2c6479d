package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
)

// besideConfig are the flags that may be given with --config: they are about this run of the program.
var besideConfig = []string{"config", "foreground", "debug", "pid-file", "no-adopt", "pcap", "pcap-data", "pcap-size", "pcap-files"}

// besideConfigText returns them as words.
func besideConfigText() string { return "-F, -d, -X, --no-adopt and those of --pcap" }

// checkConfigAlone rejects flags beside --config, naming the key of the file that stands for each.
func (f *flags) checkConfigAlone(set *pflag.FlagSet) (err error) {
	if f.config, err = filepath.Abs(f.config); err != nil {
		return err
	}
	set.Visit(func(other *pflag.Flag) {
		if err != nil || slices.Contains(besideConfig, other.Name) {
			return
		}
		name, instead := "--"+other.Name, ""
		if key := serverconfig.KeyFor(name); key != "" {
			instead = fmt.Sprintf(": set %s in the file", key)
		}
		if other.Shorthand != "" {
			name = "-" + other.Shorthand + " (" + name + ")"
		}
		err = &pppd.Error{Message: fmt.Sprintf("%s cannot be given with --config%s", name, instead)}
	})
	return err
}

// readConfig reads the file of --config. Flags beside it override it. Accounts are not checked: a bad line
// costs its account, and is logged.
func (f *flags) readConfig() (*serverconfig.Config, []string, error) {
	c, problems := serverconfig.ReadForServer(f.config)
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	c.Server.Foreground = c.Server.Foreground || f.foreground
	c.Options.Debug = c.Options.Debug || f.debug
	c.State.Adopt = c.State.Adopt && !f.noAdopt
	if f.pidFile != "" {
		c.Server.PIDFile = f.pidFile
	}
	r := pppd.Reader{Role: pppd.Server, Settings: c.Options}
	if err := r.CommandLine(f.optionWords); err != nil { // those of --pcap
		return nil, nil, err
	}
	return c, problems.Warnings(), nil
}

// load returns the configuration, and warnings for the log. It is called at the start and at each reload.
func (f *flags) load() (*serverconfig.Config, []string, error) {
	if f.config != "" {
		return f.readConfig()
	}
	s, err := options(f)
	if err != nil {
		return nil, nil, err
	}
	c, err := f.translate(s)
	return c, slices.Concat(f.warnings, s.Warnings), err
}

// label returns the name of a key in a message: that of the file, or else of the flag or option which has
// set it.
func (f *flags) label(key string) string {
	if stands := serverconfig.Stands(key); f.config == "" && len(stands) > 0 {
		return stands[0]
	}
	return key
}

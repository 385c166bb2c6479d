package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
)

// optionFlags are options of the options file that are flags as well: their values follow those of the
// file.
var optionFlags = []string{"mac-allow", "mac-deny", "session-limit", "half-open-limit", "padi-limit", "padr-limit", "pado-delay", "pcap", "pcap-data", "pcap-size", "pcap-files"}

// optionValue is the value of such a flag: it appends the option to a command line for pppd.Reader.
type optionValue struct {
	name, arg string
	to        *[]string
}

// Set appends the option.
func (v optionValue) Set(value string) (err error) {
	if v.arg == "" {
		*v.to = append(*v.to, "--"+v.name)
		return nil
	}
	if v.name == "pcap" && value != "-" {
		if value, err = filepath.Abs(value); err != nil {
			return err
		}
	}
	*v.to = append(*v.to, "--"+v.name+"="+value)
	return nil
}

func (v optionValue) String() string { return "" }

// Type returns the name of the value; a flag without one is what pflag calls a bool.
func (v optionValue) Type() string {
	if v.arg == "" {
		return "bool"
	}
	return v.arg
}

// addOptionFlags adds the flags, with the options' help.
func addOptionFlags(set *pflag.FlagSet, to *[]string) {
	help := make(map[string]pppd.Option)
	for _, g := range pppd.Options(pppd.Server) {
		for _, o := range g.Options {
			help[o.Name] = o
		}
	}
	for _, name := range optionFlags {
		// pflag takes a quoted word for the name of the value.
		usage := strings.ReplaceAll(help[name].Help, "`", "")
		set.Var(optionValue{name, help[name].Arg, to}, name, usage)
		if help[name].Arg == "" {
			set.Lookup(name).NoOptDefVal = "true"
		}
	}
}

// override adds the values of flags to those of the files.
func (f *flags) override(r *pppd.Reader) error {
	for _, text := range f.services {
		service, err := pppd.ParseService(text)
		if err != nil {
			return &pppd.Error{Message: fmt.Sprintf("-S %q: %v", text, err)}
		}
		r.Settings.AddService(service)
	}
	return r.CommandLine(f.optionWords)
}

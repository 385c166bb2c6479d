// Command datapath compares the data paths with each other and with the bare network in one run.
// Each has a pair of namespaces of its own, connected by a veth pair, and with -forward a host behind
// each end; they are measured in turn, so that other load on the machine affects all of them. It prints the medians as a table, and ratios.
// It needs root, iperf3 and ping.
//
//	go run ./test/bench/datapath
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		if run, ok := roles[os.Args[1]]; ok {
			if err := run(os.Args[2:]); err != nil {
				fatal(err)
			}
			return
		}
	}
	o, err := parseOptions(flag.CommandLine, os.Args[1:])
	if err != nil {
		fatal(err)
	}
	if err := measure(o); err != nil {
		fatal(err)
	}
}

// parseOptions parses a command line by a set of flags.
func parseOptions(set *flag.FlagSet, args []string) (options, error) {
	o := options{wanted: allColumns}
	set.IntVar(&o.repeat, "repeat", 5, "number of turns")
	set.DurationVar(&o.length, "time", 2*time.Second, "length of each throughput measurement")
	only := set.String("only", "", "rows to measure, separated by commas: "+strings.Join(names(), ", "))
	set.BoolVar(&o.forward, "forward", false, "measure between two hosts, for which the two ends forward")
	set.BoolVar(&o.hold, "hold", false, "create the networks and wait for SIGINT, without measuring")
	set.BoolVar(&o.json, "json", false, "print JSON: medians, every turn, and ratios")
	quick := set.Bool("quick", false, "measure only one TCP stream and the round trip")
	columns := set.String("columns", "", "columns to measure, separated by commas: "+strings.Join(allColumns, ", "))
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		o.wanted = quickColumns
	}
	if *columns != "" {
		o.wanted = strings.Split(*columns, ",")
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	return o, o.check()
}

// options selects what to measure.
type options struct {
	repeat  int
	length  time.Duration
	only    []string // empty: all that are not optional
	wanted  []string // columns
	forward bool     // with a host behind each end
	hold    bool
	json    bool
}

func (o options) wantsRow(c configuration) bool {
	if len(o.only) == 0 {
		return !c.optional
	}
	return slices.Contains(o.only, c.name)
}

// check validates the options.
func (o options) check() error {
	for _, name := range o.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("-only %s: unknown row; rows: %s", name, strings.Join(names(), ", "))
		}
	}
	for _, name := range o.wanted {
		if !slices.Contains(allColumns, name) {
			return fmt.Errorf("-columns %s: unknown column; columns: %s", name, strings.Join(allColumns, ", "))
		}
	}
	if o.repeat < 1 {
		return fmt.Errorf("-repeat %d: must be 1 or more", o.repeat)
	}
	if o.length < time.Second || o.length%time.Second != 0 { // iperf3 never ends at 0
		return fmt.Errorf("-time %v: must be a whole number of seconds, 1s or more", o.length)
	}
	return nil
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "datapath: "+err.Error())
	os.Exit(1)
}

// measure creates all networks, measures them in turn, and prints the table.
func measure(o options) error {
	var networks []*network
	defer func() {
		for _, n := range networks {
			n.close()
		}
	}()
	for _, c := range configurations {
		if !o.wantsRow(c) {
			continue
		}
		n, err := newNetwork(c, o.forward)
		if n != nil {
			networks = append(networks, n)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if o.hold {
		for _, n := range networks {
			for _, cmd := range n.running {
				fmt.Printf("%s: nsenter -t %d -n\n", n.name, cmd.Process.Pid)
			}
		}
		<-untilTerm().Done()
		return nil
	}
	for _, n := range networks {
		if err := n.settle(); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	var calls []float64
	for turn := range o.repeat {
		calls = append(calls, systemCall())
		for i := range networks {
			n := networks[(turn+i)%len(networks)]
			if err := n.measure(o); err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
		}
	}
	t := table{o.columns(), networks, o.repeat, median(calls)}
	if o.json {
		return t.writeJSON(os.Stdout)
	}
	t.write(os.Stdout)
	return nil
}

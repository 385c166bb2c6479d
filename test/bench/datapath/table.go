package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// table is the result of all measurements.
type table struct {
	columns    []string
	networks   []*network
	repeat     int
	systemCall float64 // duration of a system call, in microseconds
}

// Rows that the others are compared with.
const (
	segmentedBaseline = "veth-segments" // bare veth without offload
	onePacketBaseline = "one-packet"    // the usual design
	kernelBaseline    = "kernel-pppoe"  // Linux's own PPPoE
)

// baselines returns the rows that all are compared with: those above, or the first.
func (t table) baselines() (rows []*network) {
	for _, n := range t.networks {
		if n.name == segmentedBaseline || n.name == onePacketBaseline || n.name == kernelBaseline {
			rows = append(rows, n)
		}
	}
	if len(rows) == 0 {
		rows = t.networks[:1]
	}
	return rows
}

// write writes the medians, and then the ratios.
func (t table) write(w io.Writer) {
	t.block(w, "", func(n *network, column string) string { return formatValue(column, median(n.results[column])) })
	for _, of := range t.baselines() {
		fmt.Fprintln(w)
		t.block(w, "of "+of.name, func(n *network, column string) string { return formatRatio(n.ratio(of, column)) })
	}
	fmt.Fprintf(w, "\nmedians of %d: TCP in Gbit/s, CPU time of TCP 1, UDP in thousands of datagrams a second with less than 0.1 %% lost (flood: received), ping in microseconds; a ratio is the median of those of each turn; a system call takes %.2f microseconds\n", t.repeat, t.systemCall)
}

func (t table) block(to io.Writer, title string, cell func(n *network, column string) string) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\t%s\n", title, strings.Join(t.columns, "\t"))
	for _, n := range t.networks {
		fmt.Fprint(w, n.name)
		for _, c := range t.columns {
			fmt.Fprintf(w, "\t%s", cell(n, c))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

// row is a network's results in JSON, in the units of the table, by column.
type row struct {
	Name   string                        `json:"name"`
	Median map[string]float64            `json:"median"`
	Turns  map[string][]float64          `json:"turns"`
	Of     map[string]map[string]float64 `json:"of"` // without undefined ratios
}

func (t table) writeJSON(w io.Writer) error {
	var rows []row
	for _, n := range t.networks {
		r := row{n.name, map[string]float64{}, n.results, map[string]map[string]float64{}}
		for _, c := range t.columns {
			r.Median[c] = median(n.results[c])
		}
		for _, of := range t.baselines() {
			r.Of[of.name] = map[string]float64{}
			for _, c := range t.columns {
				if v := n.ratio(of, c); !math.IsNaN(v) {
					r.Of[of.name][c] = v
				}
			}
		}
		rows = append(rows, r)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "\t")
	return e.Encode(rows)
}

// ratio returns the median of the ratios of a network's results to another's in the same turn; NaN:
// there is none.
func (n *network) ratio(other *network, column string) float64 {
	var all []float64
	for i, v := range n.results[column] {
		if base := other.results[column][i]; base != 0 {
			all = append(all, v/base)
		}
	}
	return median(all)
}

// median returns NaN for no values.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func formatRatio(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func formatValue(column string, v float64) string {
	switch column {
	case cost:
		return fmt.Sprintf("%.3f", v)
	case ping50, ping99, udp64, udp1400, flood:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

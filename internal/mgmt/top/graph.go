package top

import "slices"

// history is the rates of the last minute.
type history struct{ samples []uint64 }

// historyLength is the number of samples that are kept.
const historyLength = 60

func (h *history) add(rate uint64) {
	if len(h.samples) == historyLength {
		h.samples = slices.Delete(h.samples, 0, 1)
	}
	h.samples = append(h.samples, rate)
}

// max returns the largest sample.
func (h *history) max() uint64 {
	if len(h.samples) == 0 {
		return 0
	}
	return slices.Max(h.samples)
}

// bars are the heights of a graph, which is one line high.
var bars = []rune(" ▁▂▃▄▅▆▇█")

// graph returns the last samples as bars up to the largest of them. Every rate but zero is visible.
func (h *history) graph(width int) string {
	shown := h.samples[max(0, len(h.samples)-max(0, width)):]
	if len(shown) == 0 {
		return ""
	}
	top := max(1, slices.Max(shown))
	line := make([]rune, len(shown))
	for i, rate := range shown {
		share := float64(rate) / float64(top) * float64(len(bars)-1)
		line[i] = bars[int(share)]
		if rate > 0 && share < 1 {
			line[i] = bars[1]
		}
	}
	return string(line)
}

package datapath

// BatchSize is the number of frames read from a port at once, except by the GSO data path.
const BatchSize = 32

// ReadFrames reads frames from a port, up to batch at once, and calls take with them until the port
// is lost or closed. The frames are valid only until take returns.
func ReadFrames(port Port, batch int, take func([]Frame)) error {
	frames, buffers := make([]Frame, batch), make([][]byte, batch)
	for i := range buffers {
		buffers[i] = make([]byte, 14+port.MTU())
	}
	for {
		for i := range frames {
			frames[i].Data = buffers[i]
		}
		n, err := port.ReadBatch(frames)
		if err != nil {
			return err
		}
		take(frames[:n])
	}
}

package datapath

// ReadFrames moves frames from a port, in batches of so many at most, until the port is lost or
// closed. What it passes on is valid during the call.
func ReadFrames(port Port, batch int, take func([]Frame)) error {
	frames := make([]Frame, batch)
	for i := range frames {
		frames[i].Data = make([]byte, 14+port.MTU())
	}
	for {
		for i := range frames {
			frames[i].Data = frames[i].Data[:cap(frames[i].Data)]
		}
		n, err := port.ReadBatch(frames)
		if err != nil {
			return err
		}
		take(frames[:n])
	}
}

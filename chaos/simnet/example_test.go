package simnet_test

import (
	"fmt"

	"github.com/sessnode/sessnode/chaos/simnet"
)

func Example() {
	network := simnet.New(simnet.Config{})
	defer network.Close()

	a, _ := network.Listen("10.0.0.1:7946")
	b, _ := network.Listen("10.0.0.2:7946")
	a.WriteTo([]byte("hello"), b.LocalAddr())
	network.Cut("10.0.0.1", "10.0.0.2")
	a.WriteTo([]byte("anybody there?"), b.LocalAddr())

	buf := make([]byte, 100)
	n, from, _ := b.ReadFrom(buf)
	fmt.Printf("%s from %v\n", buf[:n], from)
	fmt.Println("cut:", network.Stats().DroppedCut)
	// Output:
	// hello from 10.0.0.1:7946
	// cut: 1
}

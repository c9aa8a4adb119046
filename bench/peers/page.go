package main

import "errors"

func page(args []string) error { return errors.New("not yet") }

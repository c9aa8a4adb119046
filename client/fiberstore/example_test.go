package fiberstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/client/fiberstore"
)

// An application that uses fiber's sessions names the storage. Outside of tests that is fiberstore.New(c) with c from
// client.Dial.
func Example() {
	app := fiber.New()
	app.Use(session.New(session.Config{Storage: fiberstore.New(clienttest.NewStore())}))
	app.Get("/", func(c fiber.Ctx) error {
		s := session.FromContext(c)
		n, _ := s.Get("items").(int)
		s.Set("items", n+1)
		return c.SendString(fmt.Sprint(n + 1))
	})

	request := httptest.NewRequest(http.MethodGet, "/", nil)
	for range 2 {
		resp, err := app.Test(request)
		if err != nil {
			fmt.Println(err)
			return
		}
		var n int
		fmt.Fscan(resp.Body, &n)
		resp.Body.Close()
		fmt.Println("items:", n)
		request = httptest.NewRequest(http.MethodGet, "/", nil)
		request.AddCookie(resp.Cookies()[0])
	}
	// Output:
	// items: 1
	// items: 2
}

package wire

// List is one page of a list. NextCursor is empty on the last page.
type List[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Send as cursor for the next page; absent on the last"`
}

// Package proxy calls a provider's API for somebody who must not see the token: an agent,
// its model, a bot.
//
//	ANY /v1/proxy/{connection_id}/{path…}
//
//	admit     a key with the scope proxy; a bot's own key reaches its bot's people only
//	read      the request line, as it came: nothing is cleaned, what is not plain is refused (T28)
//	rules     the first rule of the key that fits, and of the bot; none fits: refused
//	token     read, renewed first if need be, put in here (T16)
//	call      to the API's base and nowhere else; headers that mean something on the way are left out
//	401       one renewal, and one more call where the body can be sent again
//	log       durable before the first byte of the answer leaves
//	answer    passed on as it comes, without cookies; where the token is in it, it is blotted out
//
// What a provider answers is passed on with Lanyard-Answer: provider, its refusals too.
// What we have to say is a problem without that header.
package proxy

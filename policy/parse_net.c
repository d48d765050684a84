/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks. */
#include "parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define ADDRESS_BYTES_MAX INET6_ADDRSTRLEN

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static uint8_t family_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* What somebody may have meant who wrote no address. */
static const char *address_hint(const char *text)
{
	if (strchr(text, '%'))
		return "zones are not part of the address: leave out '%' and what follows";
	if (text[0] == '[')
		return "brackets are not part of the address, ports go into \"port\"";
	if (strchr(text, '.') && strchr(text, ':') && strspn(text, "0123456789.:") == strlen(text))
		return "ports go into \"port\"";
	if (strchr(text, '-'))
		return "a range of addresses is written as networks: \"192.0.2.0/24\"";
	if (strchr(text, '*'))
		return "networks are written \"192.0.2.0/24\"";
	if (!strchr(text, ':') && strspn(text, "0123456789./") != strlen(text))
		return "host names are not looked up: write addresses, networks or \"any\"";
	return "write \"192.0.2.1\", \"192.0.2.0/24\", \"2001:db8::/32\" or \"any\"";
}

static bool fail_address(struct bl_parser *parser, uint32_t node, const char *text)
{
	bl_diag_hint(bl_parse_error(parser, node, "bad-address", "\"%s\" is not an address",
				    bl_excerpt(text, strlen(text)).text),
		     "%s", address_hint(text));
	return false;
}

/* Reads the digits after '/': no sign, no leading zero. */
static bool parse_prefix(const char *digits, uint8_t max, uint8_t *ret)
{
	size_t len = strlen(digits);
	unsigned value = 0;

	if (len == 0 || len > 3 || strspn(digits, "0123456789") != len ||
	    (digits[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
		value = 10 * value + (unsigned)(digits[i] - '0');
	if (value > max)
		return false;
	*ret = (uint8_t)value;
	return true;
}

/* Splits "address/prefix" and reads both. */
static bool parse_cidr(struct bl_parser *parser, uint32_t node, const char *text,
		       struct bl_net *ret)
{
	struct bl_net net = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[ADDRESS_BYTES_MAX + 1] = "";

	if (len > ADDRESS_BYTES_MAX)
		return fail_address(parser, node, text);
	memcpy(address, text, len);
	if (inet_pton(net.family, address, net.addr) != 1)
		return fail_address(parser, node, text);
	net.prefix = family_bits(net.family);
	if (slash && !parse_prefix(slash + 1, net.prefix, &net.prefix)) {
		bl_diag_hint(bl_parse_error(parser, node, "bad-prefix",
					    "\"%s\" is not a prefix length",
					    bl_excerpt(slash, strlen(slash)).text),
			     "\"/0\" to \"/%u\" for this kind of address", family_bits(net.family));
		return false;
	}
	*ret = net;
	return true;
}

/* Clears the bits after the prefix; returns whether one was set. */
static bool clear_host_bits(struct bl_net *net)
{
	bool cleared = false;

	for (unsigned bit = net->prefix; bit < family_bits(net->family); bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		cleared |= net->addr[bit / 8] & mask;
		net->addr[bit / 8] &= (uint8_t)~mask;
	}
	return cleared;
}

static bool check_host_bits(struct bl_parser *parser, uint32_t node, const char *text,
			    const struct bl_net *net)
{
	char address[ADDRESS_BYTES_MAX + 1];
	struct bl_net network = *net;

	if (!clear_host_bits(&network))
		return true;
	if (!inet_ntop(network.family, network.addr, address, sizeof(address)))
		address[0] = '\0';
	bl_diag_hint(bl_parse_error(parser, node, "host-bits",
				    "\"%s\" has bits set beyond its prefix",
				    bl_excerpt(text, strlen(text)).text),
		     "the network is \"%s/%u\"; a single address is written without '/'", address,
		     network.prefix);
	return false;
}

/* The kernel side sees a v4-mapped address as the IPv4 address that it stands for. */
static void unmap(struct bl_net *net)
{
	if (net->family != AF_INET6 || net->prefix < 96 ||
	    memcmp(net->addr, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	memmove(net->addr, net->addr + 12, 4);
	memset(net->addr + 4, 0, 12);
	net->family = AF_INET;
	net->prefix = (uint8_t)(net->prefix - 96);
}

/* A connect to the any-address reaches this host; the kernel side sees it as loopback. */
static void replace_any_address(struct bl_parser *parser, uint32_t node, struct bl_net *net)
{
	static const uint8_t zero[16];
	const char *loopback = net->family == AF_INET ? "127.0.0.1" : "::1";

	if (net->prefix != family_bits(net->family) || memcmp(net->addr, zero, sizeof(zero)) != 0)
		return;
	inet_pton(net->family, loopback, net->addr);
	bl_diag_hint(bl_parse_diag(parser, BL_DIAG_NOTE, node, "any-address",
				   "as a destination this address means this host: taken as %s",
				   loopback),
		     "every address is \"any\"");
}

bool bl_parse_net(struct bl_parser *parser, uint32_t node, struct bl_net *ret, bool *ret_any)
{
	struct bl_net net;
	const char *text;

	if (!bl_parse_kind(parser, node, BL_JSON_STRING, "an address"))
		return false;
	text = bl_json_text(parser->json, node);
	*ret_any = strcmp(text, "any") == 0;
	if (*ret_any)
		return true;
	if (!parse_cidr(parser, node, text, &net) || !check_host_bits(parser, node, text, &net))
		return false;
	unmap(&net);
	replace_any_address(parser, node, &net);
	net.place = bl_parse_place(parser, node);
	*ret = net;
	return true;
}

#include "net/kernel/message.hpp"

#include <fmt/core.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <cstring>

#include "base/error.hpp"

namespace netlend {

namespace {
constexpr std::size_t kMessageMaxBytes = std::size_t{32} * 1024;
constexpr std::size_t kAttributeMaxBytes = 65535 - NLA_HDRLEN;

template <typename Integer>
std::optional<Integer> read_integer(std::optional<std::string_view> bytes) {
  if (!bytes || bytes->size() < sizeof(Integer)) return std::nullopt;
  Integer value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}
}  // namespace

void Message::Free::operator()(nl_msg* message) const noexcept { ::nlmsg_free(message); }

Message::Message(std::uint16_t type, std::uint16_t flags, std::string doing)
    : message_(::nlmsg_alloc_size(kMessageMaxBytes)), doing_(std::move(doing)), type_(type) {
  if (!message_ || ::nlmsg_put(message_.get(), NL_AUTO_PORT, NL_AUTO_SEQ, type, 0,
                               flags | NLM_F_REQUEST) == nullptr) {
    throw Error(fmt::format("{}: no memory for the request", doing_), ENOMEM);
  }
}

void Message::append(const void* bytes, std::size_t size) {
  if (::nlmsg_append(message_.get(), const_cast<void*>(bytes), size, NLMSG_ALIGNTO) < 0) {
    throw Error(fmt::format("{}: the request is too long", doing_), EMSGSIZE);
  }
}

Message& Message::put(int attribute, std::string_view bytes) {
  if (bytes.size() > kAttributeMaxBytes ||
      ::nla_put(message_.get(), attribute, static_cast<int>(bytes.size()), bytes.data()) < 0) {
    throw Error(
        fmt::format("{}: attribute {} of {} bytes is too long", doing_, attribute, bytes.size()),
        EMSGSIZE);
  }
  return *this;
}

Message& Message::put_string(int attribute, std::string_view text) {
  std::string terminated(text);
  terminated += '\0';
  return put(attribute, terminated);
}

Message& Message::put_u8(int attribute, std::uint8_t value) {
  return put(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

Message& Message::put_u32(int attribute, std::uint32_t value) {
  return put(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
}

Message& Message::begin(int attribute) {
  nlattr* start = ::nla_nest_start(message_.get(), attribute | NLA_F_NESTED);
  if (start == nullptr) throw Error(fmt::format("{}: the request is too long", doing_), EMSGSIZE);
  open_.push_back(start);
  return *this;
}

Message& Message::end() {
  ::nla_nest_end(message_.get(), static_cast<nlattr*>(open_.back()));
  open_.pop_back();
  return *this;
}

Attributes::Attributes(std::string_view bytes) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > bytes.size()) return;
    list_.emplace_back(static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK),
                       bytes.substr(NLA_HDRLEN, head.nla_len - std::size_t{NLA_HDRLEN}));
    bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(head.nla_len), bytes.size()));
  }
}

std::optional<std::string_view> Attributes::find(int type) const {
  for (const auto& [found, bytes] : list_) {
    if (found == type) return bytes;
  }
  return std::nullopt;
}

std::string Attributes::text(int type) const {
  const auto bytes = find(type);
  return bytes ? std::string(bytes->substr(0, bytes->find('\0'))) : std::string{};
}

std::optional<std::uint32_t> Attributes::u32(int type) const {
  return read_integer<std::uint32_t>(find(type));
}

std::optional<std::uint8_t> Attributes::u8(int type) const {
  return read_integer<std::uint8_t>(find(type));
}

Attributes Attributes::nested(int type) const {
  const auto bytes = find(type);
  return bytes ? Attributes(*bytes) : Attributes();
}

Attributes Reply::attributes(std::size_t header_size) const& {
  const std::size_t start = NLMSG_ALIGN(header_size);
  if (payload_.size() < start) return {};
  return Attributes(std::string_view(payload_).substr(start));
}

void Reply::copy_header(void* to, std::size_t size) const {
  if (payload_.size() < size) {
    throw Error(
        fmt::format("the kernel's answer of type {} has only {} bytes", type_, payload_.size()));
  }
  std::memcpy(to, payload_.data(), size);
}

}  // namespace netlend

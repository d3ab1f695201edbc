#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct nl_msg;

namespace netlend {

/// One rtnetlink request under construction, and what it is for: "move device 'lan0' home".
class Message {
 public:
  /// `type`: RTM_*; `flags`: NLM_F_* beside NLM_F_REQUEST, which is always set.
  Message(std::uint16_t type, std::uint16_t flags, std::string doing);

  /// Appends a fixed header: ifinfomsg, ifaddrmsg, rtmsg, ndmsg, tcmsg.
  template <typename Header>
  Message& header(const Header& value) {
    append(&value, sizeof value);
    return *this;
  }
  /// Appends an attribute. Throws Error if it doesn't fit (CVE-2021-43784: never truncate a
  /// length).
  Message& put(int attribute, std::string_view bytes);
  Message& put_string(int attribute, std::string_view text);
  Message& put_u8(int attribute, std::uint8_t value);
  Message& put_u32(int attribute, std::uint32_t value);
  /// Opens and closes a nested attribute.
  Message& begin(int attribute);
  Message& end();

  nl_msg* raw() const noexcept { return message_.get(); }
  const std::string& doing() const noexcept { return doing_; }
  std::uint16_t type() const noexcept { return type_; }

 private:
  void append(const void* bytes, std::size_t size);

  struct Free {
    void operator()(nl_msg* message) const noexcept;
  };
  std::unique_ptr<nl_msg, Free> message_;
  std::vector<void*> open_;
  std::string doing_;
  std::uint16_t type_;
};

/// The attributes of a message or of a nested attribute by type; views into the message.
class Attributes {
 public:
  Attributes() = default;
  /// Bytes that hold attributes; what is malformed ends the list. NLA_F_NESTED is taken off.
  explicit Attributes(std::string_view bytes);
  /// Of text that ends with the statement there would be no views.
  explicit Attributes(std::string&& bytes) = delete;

  std::optional<std::string_view> find(int type) const;
  /// The text up to its NUL; empty if absent.
  std::string text(int type) const;
  std::optional<std::uint32_t> u32(int type) const;
  std::optional<std::uint8_t> u8(int type) const;
  /// Empty if absent.
  Attributes nested(int type) const;
  /// Every attribute in order, repeated types too.
  const std::vector<std::pair<std::uint16_t, std::string_view>>& all() const& { return list_; }
  void all() const&& = delete;

 private:
  std::vector<std::pair<std::uint16_t, std::string_view>> list_;
};

/// One message that the kernel sent.
class Reply {
 public:
  Reply(std::uint16_t type, std::string payload) : type_(type), payload_(std::move(payload)) {}

  std::uint16_t type() const noexcept { return type_; }
  /// The fixed header. Throws Error if the message is shorter.
  template <typename Header>
  Header header() const {
    Header value;
    copy_header(&value, sizeof value);
    return value;
  }
  /// What follows a fixed header of `header_size` bytes; views into this reply.
  Attributes attributes(std::size_t header_size) const&;
  void attributes(std::size_t header_size) const&& = delete;

 private:
  void copy_header(void* to, std::size_t size) const;

  std::uint16_t type_;
  std::string payload_;
};

}  // namespace netlend

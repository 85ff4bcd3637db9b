// Integers and texts as the record's formats have them: little-endian, lengths of 32 bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace sluice::store {

template <class T>
std::uint8_t* put_integer(std::uint8_t* out, T value) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(out, &value, sizeof value);
  } else {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      out[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
    }
  }
  return out + sizeof value;
}

inline std::uint8_t* put(std::uint8_t* out, std::int64_t value) {
  return put_integer(out, value);
}

inline std::uint8_t* put(std::uint8_t* out, std::string_view text) {
  out = put_integer(out, static_cast<std::uint32_t>(text.size()));
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

template <class... Fields>
std::uint8_t* put_all(std::uint8_t* out, const Fields&... fields) {
  ((out = put(out, fields)), ...);
  return out;
}

inline std::size_t size_of(std::int64_t) {
  return sizeof(std::int64_t);
}
inline std::size_t size_of(std::string_view text) {
  return sizeof(std::uint32_t) + text.size();
}

/// Reads what the functions above put, from bytes that may be anything: whatever does not fit reads
/// as zero or empty, and from then on ok() is false.
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

  template <class T>
  T integer() {
    const std::span<const std::uint8_t> bytes = take(sizeof(T));
    if (bytes.empty()) return T{};
    if constexpr (std::endian::native == std::endian::little) {
      T value{};
      std::memcpy(&value, bytes.data(), sizeof value);
      return value;
    } else {
      std::uint64_t value = 0;
      for (std::size_t i = sizeof(T); i-- > 0;)
        value = value << 8 | bytes[i];
      return static_cast<T>(value);
    }
  }

  void get(std::int64_t& value) { value = integer<std::int64_t>(); }
  void get(std::string_view& text) {
    const std::span<const std::uint8_t> bytes = take(integer<std::uint32_t>());
    text = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  template <class... Fields>
  void get_all(Fields&... fields) {
    (get(fields), ...);
  }

  /// The next `size` bytes; none where there are fewer.
  std::span<const std::uint8_t> take(std::size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  /// The next byte without taking it; 0 at the end.
  std::uint8_t peek() const { return rest_.empty() ? std::uint8_t{0} : rest_.front(); }

 private:
  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

}  // namespace sluice::store

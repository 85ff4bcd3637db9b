// The user table and the arena of its names.
#include "sale/users.h"

#include <cstring>

#include "base/assert.h"

namespace sluice::sale {

std::uint32_t NameArena::add(std::string_view name) {
  SLUICE_ASSERT(name.size() <= 255, "a name whose length fits into one byte");
  const auto needed = static_cast<std::uint32_t>(name.size() + 1);
  if (kChunkBytes - used_ < needed) {
    SLUICE_ASSERT(chunks_.size() < kMaxChunks, "under 4 GiB of user names");
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
    used_ = 0;
  }
  char* out = chunks_.back().get() + used_;
  *out = static_cast<char>(name.size());
  std::memcpy(out + 1, name.data(), name.size());
  const auto place = static_cast<std::uint32_t>((chunks_.size() - 1) * kChunkBytes + used_);
  used_ += needed;
  return place;
}

std::string_view NameArena::at(std::uint32_t place) const {
  const char* name = chunks_[place / kChunkBytes].get() + place % kChunkBytes;
  return {name + 1, static_cast<unsigned char>(*name)};
}

std::size_t NameArena::bytes() const {
  return chunks_.size() * kChunkBytes + chunks_.capacity() * sizeof(chunks_[0]);
}

UserTable::UserTable(std::uint64_t seed) : key_(sip_key(seed)) {}

UserTable::Key UserTable::key(std::string_view name) const {
  return {name, static_cast<std::uint32_t>(siphash<1, 3>(key_, name))};
}

std::optional<UserNo> UserTable::find(const Key& key) const {
  const std::uint32_t number = index_.find(key.hash, [&](std::uint32_t candidate) {
    const User& user = users_[candidate];
    return user.hash == key.hash && names_.at(user.name) == key.name;
  });
  if (number == HashIndex::kNone) return std::nullopt;
  return UserNo{number};
}

UserNo UserTable::add(const Key& key) {
  User user;
  user.name = names_.add(key.name);
  user.hash = key.hash;
  const UserNo number{users_.push_back(user)};
  index_.add(key.hash, [this](std::uint32_t before) { return users_[before].hash; });
  return number;
}

}  // namespace sluice::sale

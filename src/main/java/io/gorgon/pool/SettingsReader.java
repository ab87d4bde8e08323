package io.gorgon.pool;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.gorgon.message.PythonFailure.InvalidSettings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This reads values of one config block and says, with the key, what is wrong with one; all methods
 * throw {@link InvalidSettings}. Immutable.
 */
public final class SettingsReader {

  private final String root;
  private final Config config;

  /**
   * Reads from {@code config}.
   *
   * @param root what goes before a key when it is named in a failure
   */
  public SettingsReader(String root, Config config) {
    this.root = root;
    this.config = config;
  }

  public int integer(String key, int least, int most) {
    int value = read(key, "a whole number", () -> config.getInt(key));
    check(key, value >= least && value <= most, value, least + " to " + most);
    return value;
  }

  double fraction(String key) {
    double value = read(key, "a number", () -> config.getDouble(key));
    check(key, value >= 0 && value <= 1, value, "0 to 1");
    return value;
  }

  public long bytes(String key, long least, long most) {
    long value = read(key, "a size such as 64MiB", () -> config.getBytes(key));
    check(key, value >= least && value <= most, value, least + " to " + most + " bytes");
    return value;
  }

  public Duration duration(String key, Duration least, Duration most) {
    Duration value = read(key, "a duration such as 5s", () -> config.getDuration(key));
    check(
        key,
        value.compareTo(least) >= 0 && value.compareTo(most) <= 0,
        value.toMillis() + "ms",
        least.toMillis() + "ms to " + most.toMillis() + "ms");
    return value;
  }

  public boolean flag(String key) {
    return read(key, "true or false", () -> config.getBoolean(key));
  }

  public String text(String key) {
    return read(key, "text", () -> config.getString(key));
  }

  String oneOf(String key, String... allowed) {
    String value = text(key);
    check(key, List.of(allowed).contains(value), value, String.join(", ", allowed));
    return value;
  }

  public List<String> texts(String key) {
    return read(key, "a list of texts", () -> config.getStringList(key));
  }

  Map<String, @Nullable String> environment(String key) {
    var variables = new LinkedHashMap<String, @Nullable String>();
    for (Map.Entry<String, ConfigValue> entry :
        read(key, "a block", () -> config.getObject(key)).entrySet()) {
      boolean removed = entry.getValue().valueType() == ConfigValueType.NULL;
      Object value = removed ? null : entry.getValue().unwrapped();
      if (value instanceof Map || value instanceof List) {
        throw new InvalidSettings(
            root + "." + key + "." + entry.getKey(), "must be text (quote a name with dots)");
      }
      variables.put(entry.getKey(), value == null ? null : value.toString());
    }
    return variables;
  }

  /** A block whose keys are not ours, with its values as they are. */
  Map<String, Object> block(String key) {
    return read(key, "a block", () -> config.getObject(key)).unwrapped();
  }

  /** Refuses keys that {@code known} does not have: a typing mistake must not pass as a default. */
  public void refuseUnknown(Config known, Set<String> open) {
    Set<String> keys = new TreeSet<>();
    known.entrySet().forEach(entry -> keys.add(entry.getKey()));
    for (var entry : config.entrySet()) {
      String key = entry.getKey();
      if (!keys.contains(key) && open.stream().noneMatch(name -> key.startsWith(name + "."))) {
        throw new InvalidSettings(
            root + "." + key,
            "is unknown" + nearest(key, keys).map(n -> "; did you mean '" + n + "'?").orElse(""));
      }
    }
  }

  private static Optional<String> nearest(String key, Set<String> keys) {
    String last = key.substring(key.lastIndexOf('.') + 1);
    return keys.stream()
        .filter(
            known -> {
              String name = known.substring(known.lastIndexOf('.') + 1);
              return name.startsWith(last)
                  || last.startsWith(name)
                  || (name.length() > 3
                      && last.length() > 3
                      && name.substring(0, 3).equals(last.substring(0, 3)));
            })
        .findFirst();
  }

  public InvalidSettings invalid(String key, String problem) {
    return new InvalidSettings(root + "." + key, problem);
  }

  private <T> T read(String key, String wanted, Supplier<T> value) {
    try {
      return value.get();
    } catch (ConfigException.Missing missing) {
      throw invalid(key, "is missing; it must be " + wanted);
    } catch (ConfigException wrong) {
      throw invalid(
          key,
          "must be "
              + wanted
              + ", not "
              + config.getValue(key).render()
              + (wrong instanceof ConfigException.BadValue ? " (give a unit)" : ""));
    }
  }

  private void check(String key, boolean good, Object value, String allowed) {
    if (!good) {
      throw invalid(key, "is " + value + "; allowed is " + allowed);
    }
  }
}

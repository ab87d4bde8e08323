package io.gorgon.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.PoolSettings;
import java.io.File;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every command has, and the pool settings that they make. */
final class PoolOptions {

  @Option(
      names = "--python",
      paramLabel = "INTERPRETER",
      description = "a path, a command, or auto")
  @Nullable String python;

  @Option(names = "--path", paramLabel = "DIR", description = "your modules; may be repeated")
  List<File> path = new ArrayList<>();

  @Option(names = "--workers", paramLabel = "N", description = "this many workers, always")
  @Nullable Integer workers;

  @Option(names = "--timeout", paramLabel = "TIME", description = "the deadline of a call, as 5s")
  @Nullable String timeout;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "HOCON; its pool 'default' is used")
  @Nullable File config;

  /** The whole config: the file over what the jar holds. */
  Config whole() {
    if (config == null) {
      return ConfigFactory.load();
    }
    if (!config.isFile()) {
      throw new InvalidSettings("--config", "names " + config + ", which is no file");
    }
    try {
      return ConfigFactory.load(ConfigFactory.parseFile(config));
    } catch (ConfigException unreadable) {
      throw new InvalidSettings("--config", "cannot be read: " + unreadable.getMessage());
    }
  }

  /**
   * The settings of the pool {@code default}, with the options over the file.
   *
   * @param extra settings that the command wants itself, under all others
   */
  PoolSettings settings(Config whole, Map<String, Object> extra) {
    Map<String, Object> changes = new LinkedHashMap<>();
    if (python != null) {
      changes.put("python", python);
    }
    if (!path.isEmpty()) {
      changes.put("path", path.stream().map(File::getAbsolutePath).toList());
    }
    if (workers != null) {
      changes.put("min-workers", workers);
      changes.put("max-workers", workers);
    }
    if (timeout != null) {
      changes.put("call-timeout", timeout);
    }
    Config own =
        whole.hasPath("gorgon.pools.default")
            ? whole.getConfig("gorgon.pools.default")
            : ConfigFactory.empty();
    return PoolSettings.of(
        "default",
        ConfigValueFactory.fromMap(changes)
            .toConfig()
            .withFallback(own)
            .withFallback(ConfigValueFactory.fromMap(extra)),
        whole);
  }
}

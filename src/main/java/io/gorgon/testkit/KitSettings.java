package io.gorgon.testkit;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.pool.PoolSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorSystem;

/** The settings of a kit's pool: lines of config over what suits tests. */
final class KitSettings {

  private static final Config BASICS =
      ConfigFactory.parseString("min-workers = 2, max-workers = 2, call-timeout = 20s");

  /** The environment variable that names the interpreter of tests. */
  private static final String PYTHON = "TEST_PYTHON";

  private KitSettings() {}

  static PoolSettings scripted(ActorSystem<?> system, String name, String... lines) {
    return read(system, name, parse(lines));
  }

  static PoolSettings real(ActorSystem<?> system, String name, RealFaults faults, String... lines) {
    Config own = parse(lines);
    List<String> path = new ArrayList<>();
    if (own.hasPath("path")) {
      path.addAll(own.getStringList("path"));
    }
    path.add(faults.python().toString());
    Config kit =
        ConfigFactory.parseMap(
            Map.of("path", path, "environment.GORGON_TESTKIT", faults.home().toString()));
    String python = System.getenv(PYTHON);
    Config usual =
        ConfigFactory.parseMap(
            python == null || python.isEmpty()
                ? Map.of("entry", "gorgon_testkit:main")
                : Map.of("entry", "gorgon_testkit:main", "python", python));
    return read(system, name, kit.withFallback(own).withFallback(usual));
  }

  private static Config parse(String... lines) {
    return ConfigFactory.parseString(String.join("\n", lines));
  }

  private static PoolSettings read(ActorSystem<?> system, String name, Config own) {
    return PoolSettings.of(name, own.withFallback(BASICS), system.settings().config());
  }
}

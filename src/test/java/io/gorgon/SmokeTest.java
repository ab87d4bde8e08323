package io.gorgon;

import com.typesafe.config.ConfigFactory;
import io.gorgon.message.Call;
import io.gorgon.pool.PoolSettings;
import java.util.*;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

class SmokeTest {
  @Test
  void smoke() throws Exception {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "smoke");
    var settings =
        PoolSettings.of(
            "default",
            ConfigFactory.parseString("path=[src/test/python]\nmax-workers=2"),
            system.settings().config());
    var pool = PythonPool.start(system, settings);
    System.out.println(pool.call(Call.of("math:sqrt", 16)).join().as(Double.class));
    for (int round = 0; round < 5; round++) {
      long t = System.nanoTime();
      int n = 20000;
      for (int i = 0; i < n; i++) pool.call(Call.of("targets:echo", i)).join();
      System.out.println("one at a time us " + (System.nanoTime() - t) / 1000.0 / n);
    }
    for (Call c :
        List.of(
            Call.of("targets:raise_error", "ValueError", "boom"),
            Call.of("nope:x"),
            Call.of("math:nope"),
            Call.of("math:pi"),
            Call.of("math:sqrt"),
            Call.of("targets:exit_now", 3),
            Call.of("targets:kill_self", 9),
            Call.of("targets:unserializable"),
            Call.of("targets:sleep", 5).withTimeout(java.time.Duration.ofMillis(300)),
            Call.of("targets:segfault"))) {
      long t = System.nanoTime();
      try {
        System.out.println(pool.call(c).join());
      } catch (RuntimeException e) {
        System.out.println((System.nanoTime() - t) / 1000000 + " ms " + e);
      }
    }
    System.out.println(pool.stats().toCompletableFuture().join());
    try (var co = pool.checkout().toCompletableFuture().join()) {
      System.out.println(co.worker() + " " + co.call(Call.of("targets:whoami")).join().json());
    }
    System.out.println(pool.session("a").call(Call.of("targets:whoami")).join().json());
    pool.drain(java.time.Duration.ofSeconds(1)).toCompletableFuture().join();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().join();
  }
}

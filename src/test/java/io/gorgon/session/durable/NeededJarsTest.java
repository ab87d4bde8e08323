package io.gorgon.session.durable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.Test;

/** A class path without the optional jars. */
class NeededJarsTest {

  private static List<URL> without(String... jars) throws Exception {
    List<URL> left = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      if (List.of(jars).stream().noneMatch(jar -> path.getFileName().toString().startsWith(jar))) {
        left.add(path.toUri().toURL());
      }
    }
    return left;
  }

  @Test
  void whatIsMissingIsNamed() throws Exception {
    try (var loader =
        new URLClassLoader(
            without("pekko-persistence-jdbc", "HikariCP").toArray(URL[]::new),
            ClassLoader.getPlatformClassLoader())) {
      Throwable refused = construct(loader);

      assertThat(refused.getClass().getSimpleName()).isEqualTo("InvalidSettings");
      assertThat(refused)
          .hasMessageContaining("session.store")
          .hasMessageContaining("com.zaxxer:HikariCP, org.apache.pekko:pekko-persistence-jdbc")
          .hasMessageNotContaining("slick");
    }
  }

  @Test
  void withoutAnyOfThemAllIsNamedAndTheMemoryStoreWorks() throws Exception {
    try (var loader =
        new URLClassLoader(
            without("pekko-persistence", "slick", "HikariCP", "h2-").toArray(URL[]::new),
            ClassLoader.getPlatformClassLoader())) {
      assertThat(construct(loader))
          .hasMessageContaining("com.h2database:h2")
          .hasMessageContaining("com.typesafe.slick:slick")
          .hasMessageContaining("pekko-persistence-query");
      Class<?> memory = loader.loadClass("io.gorgon.session.MemoryStore");
      assertThat(memory.getConstructor().newInstance()).isNotNull();
    }
    assertThatThrownBy(() -> NeededJars.check("p", "none:such")).hasMessageContaining("none:such");
  }

  /** As the root package makes it, over there: its system is of that class loader too. */
  private static Throwable construct(ClassLoader loader) throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader own = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    Class<?> systems = loader.loadClass(ActorSystem.class.getName());
    Object behavior = loader.loadClass(Behaviors.class.getName()).getMethod("empty").invoke(null);
    Object system =
        systems
            .getMethod(
                "create", loader.loadClass("org.apache.pekko.actor.typed.Behavior"), String.class)
            .invoke(null, behavior, "without");
    try {
      loader
          .loadClass("io.gorgon.session.durable.DurableStore")
          .getConstructor(systems, String.class)
          .newInstance(system, "p");
      throw new AssertionError("it was made");
    } catch (InvocationTargetException refused) {
      return refused.getCause();
    } finally {
      systems.getMethod("terminate").invoke(system);
      thread.setContextClassLoader(own);
    }
  }
}

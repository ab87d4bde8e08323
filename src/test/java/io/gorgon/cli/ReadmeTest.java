package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.testkit.Layer;
import io.gorgon.testkit.NeedsLayer;
import io.gorgon.testkit.TestMachine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The hello world of the README, compiled and run as it stands there. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class ReadmeTest {

  @TempDir Path directory;

  @Test
  void theHelloWorldSaysHello() throws IOException, InterruptedException {
    String readme = Files.readString(Path.of("README.md"));
    String python = block(readme, "hello.py");
    String java = block(readme, "Hello.java");
    assertThat(python.lines().filter(line -> !line.isBlank()).count()).isLessThanOrEqualTo(4);
    assertThat(java.lines().count()).isLessThanOrEqualTo(10);
    Files.writeString(directory.resolve("hello.py"), python);
    Path source =
        Files.writeString(
            directory.resolve("Hello.java"),
            "import io.gorgon.*;\nimport io.gorgon.message.*;\n"
                + "import org.apache.pekko.actor.typed.ActorSystem;\n"
                + "import org.apache.pekko.actor.typed.javadsl.Behaviors;\n"
                + "class Hello { public static void main(String[] args) {\n"
                + java
                + "} }\n");
    String classPath = System.getProperty("java.class.path");
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(
                    null,
                    null,
                    null,
                    "-cp",
                    classPath,
                    "-d",
                    directory.toString(),
                    source.toString()))
        .isZero();

    Process hello =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    directory + ":" + classPath,
                    "-Dgorgon.pools.default.path.0=" + directory,
                    "-Dgorgon.pools.default.python=" + TestMachine.CURRENT.python(),
                    "Hello"))
            .redirectError(directory.resolve("err").toFile())
            .start();
    String said = new String(hello.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(hello.waitFor(30, TimeUnit.SECONDS)).isTrue();

    assertThat(said).isEqualTo("Hello, Python!\n");
    assertThat(hello.exitValue()).isZero();
  }

  private static String block(String readme, String name) {
    int start = readme.indexOf("<!-- " + name + " -->");
    assertThat(start).as(name).isNotNegative();
    int open = readme.indexOf('\n', readme.indexOf("```", start)) + 1;
    return readme.substring(open, readme.indexOf("```", open));
  }
}

/** Names of people: a first-name list times a last-name list. Knows nothing of what the people do. */
import type { Random } from '../../foundation/random.ts';
import { drawUntil } from './draw.ts';

const FIRST_NAMES =
  `Aisha Alan Alejandro Alice Amelie Ana Anders Andrea Anita Anna Antoine Anton Arjun Arthur Astrid
Aylin Beatrice Benedikt Bianca Birgit Bruno Camille Carla Carlos Caroline Catherine Charlotte Chiara Chloe Christian
Clara Claudia Daniel David Deepa Diana Diego Dmitri Dorothea Eduardo Elena Elias Elif Elisabeth Emil Emma Enrico Erik
Esther Eva Fabian Farah Fatima Felix Fiona Florian Francesca Franz Frederik Gabriel Giovanni Giulia Greta Gustav Hanna
Hannah Harald Heidi Helena Henrik Hugo Ibrahim Ines Ingrid Irene Isabel Ivan Jakob James Jan Jana Javier Jean Jelena
Joanna Johannes Jonas Jorge Judith Julia Julien Kai Karin Karl Katarzyna Katja Kenji Kirsten Klara Konrad Lara Laura
Lars Laurent Lea Leon Lina Linnea Lorenzo Louise Luca Lucia Ludwig Lukas Magdalena Magnus Maja Malin Marco Margarete
Maria Marie Marta Martin Mateusz Mathilde Matteo Maximilian Mehmet Mei Michael Miguel Mila Miriam Mohammed Monika
Nadia Naomi Natalia Nils Nina Noah Nora Oksana Olga Oliver Olivia Omar Oskar Pablo Paolo Patricia Paula Pawel Peter
Petra Philipp Pia Pierre Piotr Priya Rafael Rahul Rasmus Rebecca Renate Ricardo Robert Rosa Ruth Salma Samuel Sandra
Sara Sebastian Selma Sergei Simon Sofia Sonja Stefan Stella Sven Sylvia Tanja Teresa Theo Thomas Tobias Tomasz Ulrike
Ursula Valentina Vera Victor Viktoria Vincent Wei William Xavier Yara Yasmin Yuki Yusuf Zoe Zuzanna`.split(
    /\s+/,
  );

const LAST_NAMES =
  `Abadi Adler Ahlberg Albrecht Almeida Andersen Arnold Bach Bakker Baldi Banerjee Barbieri Bauer
Becker Beckmann Bellini Benali Berger Bergstrom Bianchi Bjork Blanc Bogdanov Bonnet Borg Bouchard Brandt Brunner
Calloway Cardoso Carlsen Castillo Chandra Chevalier Christensen Clarke Conti Costa Cruz Dahl Das Delgado Demir Denis
Desai Dietrich Dubois Dupont Eberhardt Eklund Engel Eriksen Esposito Fabre Falk Farkas Ferrara Fischer Fleming Fontaine
Forster Fournier Frank Fuchs Fujimoto Galli Garcia Gauthier Geiger Gerber Gibson Girard Glaser Gomez Graf Greco
Gruber Gustafsson Haas Hagen Hahn Hakim Halvorsen Hammond Hansen Hartmann Hayashi Heinrich Herrera Hoffmann Holm
Horvath Huber Hughes Iglesias Ito Ivanova Iyer Jacobs Jansen Jensen Johansson Jung Kaiser Kaminski Kapoor Karlsson
Keller Kelly Kessler Khan Kim Klein Kobayashi Koch Kovac Kowalski Kramer Krause Kruger Kumar Lambert Lang Larsen
Laurent Lefevre Lehmann Lemaire Lindgren Lindqvist Lombardi Lopez Lorenz Lund Machado Maier Malik Mancini Marchetti
Marino Martens Martinelli Mayer Medina Mehta Meier Mendes Mercier Meyer Mishra Moller Monteiro Moreau Moretti Morris
Muller Murphy Nagy Nair Nakamura Navarro Neumann Nguyen Nielsen Nilsson Novak Nowak Nygaard Olsen Ortega Otto
Pacheco Pagano Palmer Patel Pavlov Pedersen Pereira Perrin Petersen Pfeiffer Pichler Popescu Prasad Quinn Rahman
Ramirez Rao Rasmussen Reddy Reuter Ricci Richter Rinaldi Ritter Rivera Roberts Rojas Romano Rossi Rousseau Ruiz Saito
Salazar Santoro Sato Sauer Schafer Schmidt Schneider Scholz Schreiber Schubert Schulz Seidel Serrano Sharma Silva Simon
Singh Soares Sorensen Stark Stein Steiner Strand Suzuki Svensson Szabo Takahashi Tanaka Thomsen Torres Ueda Ulrich
Vargas Varga Vasquez Verma Vidal Vogel Volkov Wagner Walsh Walter Wang Watanabe Weber Weiss Wendt Werner Wieland
Winkler Winter Wolf Wong Yamada Yilmaz Zeller Ziegler Zielinski Zimmermann`.split(/\s+/);

export interface PersonNames {
  /** A new name; in about one draw of 200 one that somebody already bears, as in life. */
  next(): string;
}

/** `taken` is shared between lists of people, so that nobody is in two of them. */
export function createPersonNames(random: Random, taken: Set<string>): PersonNames {
  const given: string[] = [];
  const draw = () => `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
  return {
    next: () => {
      if (given.length > 0 && random.chance(0.005)) return random.pick(given);
      const name = drawUntil(draw, (candidate) => !taken.has(candidate), 100) ?? draw();
      taken.add(name);
      given.push(name);
      return name;
    },
  };
}

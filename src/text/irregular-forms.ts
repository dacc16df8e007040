/**
 * Inflected forms of English that no rule of detachment leads back to their base: what WordNet keeps in exception lists,
 * which its npm package leaves out. Written down for words that captions use, one base a line, its forms behind it.
 */

const NOUNS = `
child children
foot feet
tooth teeth
goose geese
mouse mice
louse lice
ox oxen
die dice
penny pence
passerby passersby
knife knives
wife wives
midwife midwives
housewife housewives
life lives
leaf leaves
loaf loaves
half halves
calf calves
shelf shelves
bookshelf bookshelves
self selves
thief thieves
wolf wolves
werewolf werewolves
scarf scarves
handkerchief handkerchieves
hoof hooves
elf elves
sheaf sheaves
wharf wharves
dwarf dwarves
potato potatoes
tomato tomatoes
hero heroes
echo echoes
mosquito mosquitoes
volcano volcanoes
mango mangoes
tornado tornadoes
torpedo torpedoes
buffalo buffaloes
flamingo flamingoes
cargo cargoes
domino dominoes
motto mottoes
halo haloes
zero zeroes
cactus cacti
fungus fungi
octopus octopi
hippopotamus hippopotami
nucleus nuclei
radius radii
stimulus stimuli
alumnus alumni
focus foci
criterion criteria
phenomenon phenomena
datum data
medium media
bacterium bacteria
aquarium aquaria
memorandum memoranda
analysis analyses
basis bases
crisis crises
oasis oases
thesis theses
axis axes
diagnosis diagnoses
index indices
vertex vertices
matrix matrices
appendix appendices
antenna antennae
alga algae
larva larvae
formula formulae
vertebra vertebrae
plateau plateaux
bureau bureaux
chateau chateaux
tableau tableaux
quiz quizzes
`;

const VERBS = `
be am is are was were been being
have has had
do does did done
arise arose arisen
awake awoke awoken
bear bore borne born
beat beaten
become became
begin began begun
bend bent
bind bound
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
burn burnt
bus bussed bussing
buy bought
catch caught
choose chose chosen
cling clung
come came
creep crept
deal dealt
die dying
dig dug
draw drew drawn
dream dreamt
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find found
flee fled
fling flung
fly flew flown
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
frolic frolicked frolicking
get got gotten
give gave given
go goes went gone
grind ground
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
keep kept
kneel knelt
know knew known
lay laid
lead led
lean leant
leap leapt
learn learnt
leave left
lend lent
lie lay lain lying
light lit
lose lost
make made
mean meant
meet met
mimic mimicked mimicking
overhang overhung
oversee oversaw overseen
overtake overtook overtaken
panic panicked panicking
pay paid
picnic picnicked picnicking
plead pled
ride rode ridden
ring rang rung
rise rose risen
run ran
say said
see saw seen
seek sought
sell sold
send sent
sew sewn
shake shook shaken
shear shorn
shine shone
shoot shot
show shown
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
slay slew slain
sleep slept
slide slid
sling slung
slink slunk
smell smelt
sow sown
speak spoke spoken
speed sped
spell spelt
spend spent
spill spilt
spin spun
spit spat
spoil spoilt
spring sprang sprung
stand stood
steal stole stolen
stick stuck
sting stung
stink stank stunk
stride strode stridden
strike struck stricken
string strung
strive strove striven
swear swore sworn
sweep swept
swell swollen
swim swam swum
swing swung
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
tie tying
traffic trafficked trafficking
tread trod trodden
undergo underwent undergone
understand understood
undertake undertook undertaken
undo undid undone
untie untying
vie vying
wake woke woken
wear wore worn
weave wove woven
weep wept
win won
wind wound
withdraw withdrew withdrawn
wring wrung
write wrote written
`;

const ADJECTIVES = `
good better best
well better best
bad worse worst
ill worse worst
far farther further farthest furthest
little less least
much more most
many more most
old elder eldest
`;

const ADVERBS = `
well better best
badly worse worst
far farther further farthest furthest
hard harder hardest
fast faster fastest
early earlier earliest
`;

/** Form → its bases. */
function table(lines: string): Map<string, string[]> {
  const bases = new Map<string, string[]>();
  for (const line of lines.trim().split('\n')) {
    const [base, ...forms] = line.split(' ');
    for (const form of forms) bases.set(form, [...(bases.get(form) ?? []), base]);
  }
  return bases;
}

export const IRREGULAR_FORMS = {
  noun: table(NOUNS),
  verb: table(VERBS),
  adjective: table(ADJECTIVES),
  adverb: table(ADVERBS),
} as const;

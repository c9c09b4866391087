pragma Singleton

import QtQuick

// Every value of the look, and nothing else. Sizes are pixels of the scene (0.248 mm at 21.5").
// Three text sizes and high contrast change values only; they combine. The window sets the
// writable properties; screens only read.
QtObject {
    id: theme

    // -- set by the window ------------------------------------------------------
    property string textSize: "normal" // normal | elder | largest
    property bool elderMode: false
    property bool highContrast: false
    property bool lowReach: false
    property bool reducedMotion: false
    property real sceneWidth: 1080
    property real sceneHeight: 1920

    // -- derived state ----------------------------------------------------------
    readonly property bool largest: textSize === "largest"
    readonly property bool elder: largest || elderMode || textSize === "elder"
    readonly property bool landscape: sceneWidth > sceneHeight
    readonly property bool small: landscape && sceneWidth < 1600 // 1280x1024
    // Large type on a low screen: the tools stand beside the page, which needs the height.
    readonly property bool sideTools: small && elder && !lowReach
    // Letters stand beside their field where that leaves them wide enough, else below it.
    readonly property bool lettersBeside: landscape && !sideTools

    readonly property string family: "Noto Sans CJK SC"

    // One value for each size, then one for each contrast where it differs.
    function bySize(normal: real, elderValue: real, largestValue: real): real {
        return largest ? largestValue : elder ? elderValue : normal;
    }
    function byLook(normal: color, elderValue: color, high: color): color {
        return highContrast ? high : elder ? elderValue : normal;
    }
    function byContrast(normal: color, high: color): color {
        return highContrast ? high : normal;
    }

    // -- surfaces -----------------------------------------------------------------
    readonly property color page: byContrast("#F5F4EF", "#000000")
    readonly property color surface: byContrast("#FFFFFF", "#000000")
    readonly property color sunken: byContrast("#E9E8E1", "#000000")
    readonly property color line: byContrast("#D3D3CA", "#8FA3A8") // separates, means nothing
    readonly property color edge: byContrast("#738387", "#FFFFFF") // outline and ledge, >= 3:1

    // -- text ---------------------------------------------------------------------
    readonly property color ink: byContrast("#10242A", "#FFFFFF")
    readonly property color ink2: byLook("#3B4E55", "#2B3D43", "#FFFFFF")
    readonly property color inkOff: byLook("#56666C", "#3F4F55", "#C9D3D6")

    // -- primary: structure, choice, the main button, "done" -----------------------
    readonly property color primary: byContrast("#0B5563", "#8BE3F2")
    readonly property color primaryPress: byContrast("#063A45", "#FFFFFF")
    readonly property color primaryTint: byContrast("#DFEDEF", "#0B3038")
    readonly property color primaryInk: byContrast("#FFFFFF", "#000000")

    // -- now: the one place the hand goes next ---------------------------------------
    readonly property color now: byContrast("#FFB000", "#FFD21A")
    readonly property color nowLine: byLook("#B25000", "#8A3B00", "#FFD21A")
    readonly property color nowTint: byContrast("#FFF1D2", "#000000")
    readonly property color nowInk: byContrast("#10242A", "#000000")

    // -- trouble: something is wrong and somebody must act -----------------------------
    readonly property color trouble: byLook("#A11D0C", "#8E1808", "#FFA196")
    readonly property color troubleTint: byContrast("#FBE7E2", "#000000")
    readonly property color troubleInk: byContrast("#FFFFFF", "#000000")

    readonly property color scrim: byContrast("#B8061A20", "#DB000000")

    // -- drawing of the machine ---------------------------------------------------------
    readonly property color devBody: byContrast("#E3E7E6", "#000000")
    readonly property color devFace: byContrast("#F7F8F7", "#000000")
    readonly property color devSide: byContrast("#C6CFCF", "#000000")
    readonly property color devEdge: byContrast("#5F7277", "#FFFFFF")
    readonly property color devDark: byContrast("#1D3137", "#26343A")
    readonly property color toast: byContrast("#1D3137", "#FFFFFF")
    readonly property color well: byContrast("#2C4047", "#101A1D") // behind the live picture

    // -- type -----------------------------------------------------------------------------
    readonly property real fsNote: bySize(32, 44, 56) // 56: the largest that is offered, also on a low screen
    readonly property real fsBody: bySize(36, small ? 46 : 48, small ? 56 : 60)
    readonly property real fsStrong: bySize(40, small ? 50 : 56, small ? 58 : 64)
    readonly property real fsSection: bySize(44, small ? 52 : 56, small ? 60 : 68)
    readonly property real fsTitle: small ? bySize(52, 54, 60) : landscape ? bySize(56, 72, 80) : bySize(64, 80, 92)
    readonly property real fsField: bySize(56, small ? 60 : 68, small ? 64 : 76)
    readonly property real fsNumber: bySize(72, 96, 104)
    readonly property real fsTool: bySize(32, 44, 44) // the tool row keeps its seven places
    readonly property real fsBar: bySize(32, 44, 44) // status bar and steps inform, they do not grow further
    readonly property real lh: elder ? 1.45 : 1.4
    readonly property real lhTitle: elder ? 1.4 : 1.3

    // -- spacing: steps of 8 ---------------------------------------------------------------
    readonly property real s1: 8
    readonly property real s2: 16
    readonly property real s3: 24
    readonly property real s4: 32
    readonly property real s5: 48
    readonly property real s6: 64
    readonly property real margin: small && elder ? 32 : 48
    readonly property real gap: 24
    readonly property real column: 60

    // -- controls ----------------------------------------------------------------------------
    readonly property real hMain: bySize(120, small ? 136 : 152, small ? 144 : 168)
    readonly property real hControl: bySize(96, 128, small ? 128 : 144)
    readonly property real hKey: bySize(120, small ? 128 : 152, small ? 128 : 152)
    readonly property real hMin: bySize(72, 96, small ? 96 : 112)
    readonly property real ledge: elder ? 8 : 6
    readonly property real stroke: elder || highContrast ? 4 : 3
    readonly property real thin: highContrast ? 3 : 2 // outline of tiles and keys
    readonly property real icon: bySize(48, 64, 72)
    readonly property real iconBig: bySize(72, small ? 64 : 104, small ? 64 : 112)

    // -- corners -------------------------------------------------------------------------------
    readonly property real rS: 12
    readonly property real rM: 18
    readonly property real rL: 28

    // -- bars ------------------------------------------------------------------------------------
    readonly property real hStatus: landscape ? bySize(96, small ? 108 : 112, small ? 108 : 112) : bySize(128, 152, 152)
    readonly property real hTools: landscape ? bySize(136, small ? 172 : 152, small ? 172 : 152) : bySize(156, 184, 184)
    readonly property real wTools: 256 // where they stand beside the page
    readonly property real hActions: landscape ? bySize(144, small ? 160 : 176, small ? 160 : 192) : bySize(168, 208, 224)

    // -- time, ms ----------------------------------------------------------------------------------
    readonly property int tRelease: elder ? 200 : 120
    readonly property int tPage: reducedMotion ? 0 : elder ? 320 : 240
    readonly property int tLight: 1600 // one breath of the lit slot
    readonly property int tCard: 900 // card or paper moving down
    readonly property int tCardRest: 700
    readonly property real pageShift: 48
    readonly property list<real> ease: [0.2, 0, 0, 1, 1, 1]
}
